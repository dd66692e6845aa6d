package stateward.jobs;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** {@code --name value} and {@code --flag}; Flink's own parser moved between packages from 1.20 to 2.x. */
final class JobArguments {
  private final Map<String, String> values = new HashMap<>();

  JobArguments(String[] args, Set<String> known, Set<String> flags) {
    for (int i = 0; i < args.length; i++) {
      String name = args[i].startsWith("--") ? args[i].substring(2) : "";
      if (flags.contains(name)) {
        values.put(name, "true");
      } else if (known.contains(name) && i + 1 < args.length) {
        values.put(name, args[++i]);
      } else {
        throw new IllegalArgumentException("Unknown argument, or no value for it: " + args[i]);
      }
    }
  }

  boolean has(String name) {
    return values.containsKey(name);
  }

  String text(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }

  long number(String name, long otherwise) {
    return has(name) ? Long.parseLong(values.get(name)) : otherwise;
  }
}
