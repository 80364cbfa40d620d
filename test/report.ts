// A reporter of Node's test runner: every finished test as one entry of a JSON list, from which the
// tables in docs/ are built.

interface TestEvent {
  type: string
  data: { name: string; file?: string; skip?: unknown; details?: { type?: string } }
}

export interface ReportedTest {
  title: string
  file: string
  outcome: 'passed' | 'failed' | 'skipped'
}

/** Yields the whole report once the run is over. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tests: ReportedTest[] = []
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.details?.type === 'suite') continue
    const outcome = type === 'test:fail' ? 'failed' : data.skip ? 'skipped' : 'passed'
    tests.push({ title: data.name, file: relative(data.file), outcome })
  }
  yield `${JSON.stringify(tests, null, 1)}\n`
}

function relative(file = ''): string {
  return file.startsWith(process.cwd()) ? file.slice(process.cwd().length + 1) : file
}
