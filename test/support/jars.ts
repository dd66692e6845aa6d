import { zipOf } from '../../demo/fake-flink/zip-file.js';

export { zipOf };

export const jarOf = (mainClass: string | null = 'org.example.Job', more: Record<string, string> = {}): Buffer =>
  zipOf({
    'META-INF/MANIFEST.MF': `Manifest-Version: 1.0\r\n${mainClass ? `Main-Class: ${mainClass}\r\n` : ''}\r\n`,
    'org/example/Job.class': 'not really a class',
    ...more,
  });
