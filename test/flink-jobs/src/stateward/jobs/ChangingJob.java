package stateward.jobs;

import java.util.Set;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * A job as its maker changes it from one version to the next: {@code source -> counter (keyed state)
 * -> second (keyed state) -> mapper -> sink}. Both count the records of each key, the counter by 1 and
 * the second by 1000, and append what they held before each record to a file named for the job, so
 * that it can be seen what came back. Compiles unchanged against Flink 1.20 and 2.x.
 *
 * <pre>
 * --output-folder PATH      where the file goes
 * --keys N                  number of keys (8)
 * --rate N                  records per second, all subtasks together (200)
 * --counter-step N          the counter counts by N (1)
 * --counter-uid TEXT        another uid for the counter (counter)
 * --counter-uid-hash HEX    setUidHash for the counter
 * --counter-state TEXT      another name for the state of the counter (count)
 * --text-counts             the counter keeps texts instead of numbers
 * --no-uids                 no operator has a uid
 * --no-chaining             every operator is a task of its own
 * --second-first            the second stands before the counter
 * --with-third              a third operator with keyed state stands behind the two
 * --without-second          there is no second
 * --without-mapper          there is no mapper
 * --max-parallelism N       left to Flink when absent
 * </pre>
 */
public final class ChangingJob {
  private static final Set<String> VALUES =
      Set.of(
          "output-folder", "keys", "rate", "counter-step", "counter-uid", "counter-uid-hash",
          "counter-state", "max-parallelism");
  private static final Set<String> FLAGS =
      Set.of(
          "text-counts", "no-uids", "no-chaining", "second-first", "with-third", "without-second",
          "without-mapper");

  private final JobArguments arguments;

  private ChangingJob(JobArguments arguments) {
    this.arguments = arguments;
  }

  public static void main(String[] args) throws Exception {
    new ChangingJob(new JobArguments(args, VALUES, FLAGS)).run();
  }

  private void run() throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    if (arguments.has("no-chaining")) {
      env.disableOperatorChaining();
    }
    if (arguments.has("max-parallelism")) {
      env.setMaxParallelism((int) arguments.number("max-parallelism", 128));
    }
    GeneratorFunction<Long, Long> numbers = index -> index;
    DataGeneratorSource<Long> source =
        new DataGeneratorSource<>(
            numbers,
            Long.MAX_VALUE,
            RateLimiterStrategy.perSecond(arguments.number("rate", 200)),
            Types.LONG);
    SingleOutputStreamOperator<Long> stream =
        withUid(env.fromSource(source, WatermarkStrategy.noWatermarks(), "source"), "source");
    if (arguments.has("second-first")) {
      stream = counter(second(stream));
    } else {
      stream = counter(stream);
      stream = arguments.has("without-second") ? stream : second(stream);
    }
    if (arguments.has("with-third")) {
      stream = tally(stream, new TallyFunction("third", "count", 1, false, folder()), "third");
    }
    if (!arguments.has("without-mapper")) {
      stream = withUid(stream.map(number -> number).returns(Types.LONG).name("mapper"), "mapper");
    }
    var sink = stream.sinkTo(new DiscardingSink<>()).name("sink");
    if (!arguments.has("no-uids")) {
      sink.uid("sink");
    }
    env.execute("changing-job");
  }

  private SingleOutputStreamOperator<Long> counter(SingleOutputStreamOperator<Long> stream) {
    TallyFunction function =
        new TallyFunction(
            "counter",
            arguments.text("counter-state", "count"),
            arguments.number("counter-step", 1),
            arguments.has("text-counts"),
            folder());
    SingleOutputStreamOperator<Long> counter =
        tally(stream, function, arguments.text("counter-uid", "counter"));
    if (arguments.has("counter-uid-hash")) {
      counter.setUidHash(arguments.text("counter-uid-hash", null));
    }
    return counter;
  }

  private SingleOutputStreamOperator<Long> second(SingleOutputStreamOperator<Long> stream) {
    return tally(stream, new TallyFunction("second", "count", 1000, false, folder()), "second");
  }

  private SingleOutputStreamOperator<Long> tally(
      SingleOutputStreamOperator<Long> stream, TallyFunction function, String uid) {
    long keys = arguments.number("keys", 8);
    return withUid(
        stream
            .keyBy(number -> number % keys, Types.LONG)
            .process(function)
            .returns(Types.LONG)
            .name(function.operator),
        uid);
  }

  private SingleOutputStreamOperator<Long> withUid(
      SingleOutputStreamOperator<Long> operator, String uid) {
    return arguments.has("no-uids") ? operator : operator.uid(uid);
  }

  private String folder() {
    return arguments.text("output-folder", null);
  }
}
