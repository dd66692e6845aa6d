package stateward.jobs;

import java.io.Serializable;

/** What the counter was told to do; travels with the operator to the TaskManagers. */
final class CounterSettings implements Serializable {
  private static final long serialVersionUID = 1L;

  final int stateBytesPerKey;
  final long slowSnapshotMs;
  /** null = none is held. */
  final String holdSnapshotsFile;
  final boolean failSnapshot;
  /** 0 = never. */
  final long failAfterRecords;
  final boolean failOnClose;
  /** null = no file. */
  final String outputFile;
  final long outputEvery;

  CounterSettings(JobArguments arguments) {
    stateBytesPerKey = Math.toIntExact(arguments.number("state-bytes", 0));
    slowSnapshotMs = arguments.number("slow-snapshot-ms", 0);
    holdSnapshotsFile = arguments.text("hold-snapshots-while", null);
    failSnapshot = arguments.has("fail-snapshot");
    failAfterRecords = arguments.number("fail-after-records", 0);
    failOnClose = arguments.has("fail-on-close");
    outputFile = arguments.text("output-file", null);
    outputEvery = arguments.number("output-every", 1);
  }
}
