import { FileStorageReader } from './file-storage-reader.js';
import type { S3Settings } from './s3-client.js';
import { isS3Root } from './s3-root.js';
import type { S3Storages } from './s3-storage-reader.js';
import type { StorageReader } from './storage-reader.js';

/** Makes a reader of what a storage is read by. The SDK of S3 is loaded with the first storage that needs it: whoever has none does without. */
export class StorageReaders {
  private settings: S3Settings = { pathStyle: false };
  private s3: Promise<S3Storages> | null = null;

  useS3(settings: S3Settings): void {
    this.settings = settings;
    this.close();
  }

  /** @throws AppError BAD_CONFIGURATION for what is neither an absolute path nor a root in S3. */
  async reader(readRoot: string): Promise<StorageReader> {
    if (!isS3Root(readRoot)) return new FileStorageReader(readRoot);
    this.s3 ??= this.openS3();
    return (await this.s3).reader(readRoot);
  }

  /** Lets go of all connections; whoever reads later makes new ones. */
  close(): void {
    void this.s3?.then((s3) => s3.close());
    this.s3 = null;
  }

  private async openS3(): Promise<S3Storages> {
    const { S3Storages } = await import('./s3-storage-reader.js');
    return new S3Storages(this.settings);
  }
}

/** Those of this process. */
export const storageReaders = new StorageReaders();
