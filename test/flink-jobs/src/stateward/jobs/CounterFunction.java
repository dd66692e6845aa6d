package stateward.jobs;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Counts the records of each key in keyed state, and fails or dawdles where it was told to. */
final class CounterFunction extends KeyedProcessFunction<Long, Long, Tuple2<Long, Long>>
    implements CheckpointedFunction {
  private static final long serialVersionUID = 1L;

  private final CounterSettings settings;
  private transient ValueState<Long> count;
  private transient ValueState<byte[]> ballast;
  private transient long recordsOfThisAttempt;

  CounterFunction(CounterSettings settings) {
    this.settings = settings;
  }

  @Override
  public void open(OpenContext context) {
    count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
    ballast =
        getRuntimeContext()
            .getState(
                new ValueStateDescriptor<>(
                    "ballast", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
  }

  @Override
  public void processElement(Long value, Context context, Collector<Tuple2<Long, Long>> out)
      throws Exception {
    recordsOfThisAttempt++;
    if (settings.failAfterRecords > 0 && recordsOfThisAttempt > settings.failAfterRecords) {
      throw new IllegalStateException("Told to fail after " + settings.failAfterRecords + " records");
    }
    Long before = count.value();
    long now = before == null ? 1 : before + 1;
    count.update(now);
    if (before == null && settings.stateBytesPerKey > 0) {
      byte[] bytes = new byte[settings.stateBytesPerKey];
      new Random(context.getCurrentKey()).nextBytes(bytes); // Does not compress.
      ballast.update(bytes);
    }
    if (settings.outputFile != null && now % settings.outputEvery == 0) {
      // One short append at a time, so lines of several subtasks do not mix.
      Files.write(
          Path.of(settings.outputFile),
          (context.getCurrentKey() + "=" + now + "\n").getBytes(StandardCharsets.UTF_8),
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    }
    out.collect(Tuple2.of(context.getCurrentKey(), now));
  }

  /** Later subtasks take longer, so that the progress of a savepoint can be watched. */
  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    if (settings.failSnapshot) {
      throw new IllegalStateException("Told to fail in the snapshot");
    }
    if (settings.slowSnapshotMs > 0) {
      int subtask = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
      Thread.sleep(settings.slowSnapshotMs * (subtask + 1));
    }
    while (settings.holdSnapshotsFile != null && Files.exists(Path.of(settings.holdSnapshotsFile))) {
      Thread.sleep(20);
    }
  }

  @Override
  public void initializeState(FunctionInitializationContext context) {}

  @Override
  public void close() {
    if (settings.failOnClose) {
      throw new IllegalStateException("Told to fail on close");
    }
  }
}
