package stateward.jobs;

import java.util.Set;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * Counts numbers by key: {@code source -> counter (keyed state) -> mapper -> sink}, every operator with a uid. Compiles
 * unchanged against Flink 1.20 and 2.x.
 *
 * <pre>
 * --name TEXT                    name of the job (stateful-counter)
 * --rate N                       records per second, all subtasks together (100)
 * --keys N                       number of keys (100)
 * --state-bytes N                keyed state of each key beside its count, from its first record on (0)
 * --parallelism N                left to Flink when absent
 * --max-parallelism N            left to Flink when absent
 * --checkpoint-interval-ms N     0 leaves the setting of the cluster (0)
 * --finite N                     ends after N records
 * --counter-uid TEXT             another uid for the counter (counter)
 * --output-file PATH             the counter appends a line key=count
 * --output-every N               ... for every Nth record of a key (1)
 * --slow-snapshot-ms N           subtask i of the counter sleeps N * (i + 1) in every snapshot (0)
 * --hold-snapshots-while PATH    no snapshot of the counter ends while that file is there
 * --fail-snapshot                every snapshot of the counter fails
 * --fail-after-records N         a subtask of the counter fails after N records of an attempt
 * --fail-on-close                the counter fails when it is closed
 * --main-sleep-ms N              the program sleeps before it builds the job (0)
 * --main-throws                  the program fails before it builds the job
 * --no-job                       the program ends without a job
 * </pre>
 */
public final class StatefulCounter {
  private static final Set<String> VALUES =
      Set.of(
          "name", "rate", "keys", "state-bytes", "parallelism", "max-parallelism",
          "checkpoint-interval-ms", "finite", "counter-uid", "output-file", "output-every",
          "slow-snapshot-ms", "hold-snapshots-while", "fail-after-records", "main-sleep-ms");
  private static final Set<String> FLAGS =
      Set.of("fail-snapshot", "fail-on-close", "main-throws", "no-job");

  private StatefulCounter() {}

  public static void main(String[] args) throws Exception {
    JobArguments arguments = new JobArguments(args, VALUES, FLAGS);
    Thread.sleep(arguments.number("main-sleep-ms", 0));
    if (arguments.has("main-throws")) {
      throw new IllegalStateException("Told to fail in main");
    }
    if (arguments.has("no-job")) {
      return;
    }

    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    if (arguments.has("parallelism")) {
      env.setParallelism((int) arguments.number("parallelism", 1));
    }
    if (arguments.has("max-parallelism")) {
      env.setMaxParallelism((int) arguments.number("max-parallelism", 128));
    }
    long checkpointIntervalMs = arguments.number("checkpoint-interval-ms", 0);
    if (checkpointIntervalMs > 0) {
      env.enableCheckpointing(checkpointIntervalMs);
    }

    long keys = arguments.number("keys", 100);
    GeneratorFunction<Long, Long> numbers = index -> index;
    DataGeneratorSource<Long> source =
        new DataGeneratorSource<>(
            numbers,
            arguments.number("finite", Long.MAX_VALUE),
            RateLimiterStrategy.perSecond(arguments.number("rate", 100)),
            Types.LONG);

    env.fromSource(source, WatermarkStrategy.noWatermarks(), "source")
        .uid("source")
        .keyBy(number -> number % keys, Types.LONG)
        .process(new CounterFunction(new CounterSettings(arguments)))
        .returns(Types.TUPLE(Types.LONG, Types.LONG))
        .name("counter")
        .uid(arguments.text("counter-uid", "counter"))
        .map(counted -> counted.f0 + "=" + counted.f1)
        .returns(Types.STRING)
        .name("mapper")
        .uid("mapper")
        .sinkTo(new DiscardingSink<>())
        .name("sink")
        .uid("sink");
    env.execute(arguments.text("name", "stateful-counter"));
  }
}
