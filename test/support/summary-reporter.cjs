/**
 * Ends a run with `N passed, N failed` alone on a line, then names what was skipped. A suite that could not run counts as
 * one failure. With CI=true whatever was skipped fails the run: a check that does not run is not a check.
 */
class SummaryReporter {
  onRunComplete(_contexts, results) {
    const broken = results.testResults.filter((suite) => suite.testExecError && suite.numFailingTests === 0).length;
    const failed = results.numFailedTests + broken;
    const skipped = results.testResults.flatMap((suite) => [
      ...suite.testResults
        .filter(({ status }) => !['passed', 'failed'].includes(status))
        .map(({ fullName }) => fullName),
      ...(suite.skipped && suite.testResults.length === 0 ? [suite.testFilePath] : []),
    ]);
    const line = [`${results.numPassedTests} passed`, `${failed} failed`];
    if (skipped.length > 0) line.push(`${skipped.length} skipped`);
    process.stdout.write(`\n${line.join(', ')}\n`);
    if (results.wasInterrupted) process.stdout.write('The run was interrupted: not everything ran.\n');
    if (skipped.length === 0) return;
    process.stdout.write(`Skipped:\n${skipped.map((name) => `  ${name}\n`).join('')}`);
    if (process.env.CI === 'true')
      this.trouble = new Error(`CI=true allows no skipped tests, and ${skipped.length} were skipped.`);
  }

  getLastError() {
    return this.trouble;
  }
}

module.exports = SummaryReporter;
