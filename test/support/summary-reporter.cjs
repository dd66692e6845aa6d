/** Prints `N passed, N failed` alone on a line, and names what was skipped. With CI=true a skip is a failure. */
module.exports = class SummaryReporter {
  onRunComplete(_contexts, results) {
    const skipped = results.testResults.flatMap((suite) =>
      suite.testResults
        .filter((test) => ['pending', 'skipped', 'todo', 'disabled'].includes(test.status))
        .map((test) => test.fullName),
    );
    const broken = results.testResults.filter((suite) => suite.testExecError && suite.numFailingTests === 0).length;
    const failed = results.numFailedTests + broken;
    const lines = [
      `${results.numPassedTests} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
    ];
    if (skipped.length > 0) lines.push('Skipped:', ...skipped.map((name) => `  ${name}`));
    // After jest's own summary, which is written to stderr.
    process.stdout.write(`\n${lines.join('\n')}\n`);
    this.refusedSkips = process.env.CI === 'true' && skipped.length > 0 ? skipped.length : 0;
  }

  getLastError() {
    return this.refusedSkips
      ? new Error(`${this.refusedSkips} tests were skipped, which CI does not accept.`)
      : undefined;
  }
};
