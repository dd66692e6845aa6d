package stateward.jobs;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Counts the records of each key in keyed state, writes what it held before each, and passes it on. */
final class TallyFunction extends KeyedProcessFunction<Long, Long, Long> {
  private static final long serialVersionUID = 1L;

  final String operator;
  private final String stateName;
  private final long step;
  private final boolean asText;
  private final String folder;
  private transient ValueState<Long> number;
  private transient ValueState<String> text;
  private transient Path file;

  TallyFunction(String operator, String stateName, long step, boolean asText, String folder) {
    this.operator = operator;
    this.stateName = stateName;
    this.step = step;
    this.asText = asText;
    this.folder = folder;
  }

  @Override
  public void open(OpenContext context) {
    if (asText) {
      text = getRuntimeContext().getState(new ValueStateDescriptor<>(stateName, Types.STRING));
    } else {
      number = getRuntimeContext().getState(new ValueStateDescriptor<>(stateName, Types.LONG));
    }
    file = Path.of(folder, getRuntimeContext().getJobInfo().getJobId().toString());
  }

  @Override
  public void processElement(Long value, Context context, Collector<Long> out) throws Exception {
    long before = held();
    // One short append at a time, so lines of several subtasks do not mix.
    String line = String.join(" ", operator, context.getCurrentKey().toString(), "" + before, "" + value);
    Files.write(
        file,
        (line + "\n").getBytes(StandardCharsets.UTF_8),
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
    hold(before + step);
    out.collect(value);
  }

  private long held() throws Exception {
    if (asText) {
      return text.value() == null ? 0 : Long.parseLong(text.value());
    }
    return number.value() == null ? 0 : number.value();
  }

  private void hold(long count) throws Exception {
    if (asText) {
      text.update(Long.toString(count));
    } else {
      number.update(count);
    }
  }
}
