/** What a person does in GraphiQL, on a page of chromium.mjs. */
const CONTROL = 2;
const TAB = '.graphiql-tab-button';

const responseText = `[...document.querySelectorAll('.graphiql-response .view-line')]
  .sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top))
  .map((line) => line.textContent.replaceAll('\\u00a0', ' ')).join('\\n')`;

const byText = (selector, text) =>
  `[...document.querySelectorAll(${JSON.stringify(selector)})].find((one) => one.textContent.trim() === ${JSON.stringify(text)})`;

export function graphiqlOn(page) {
  /** Replaces the text of the editor below the query: Variables or Headers. */
  const fill = async (tool, values) => {
    await page.click(byText('.graphiql-editor-tools button', tool), `the button ${tool}`);
    const editor = `[...document.querySelectorAll('.graphiql-editor-tool .monaco-editor')].find((one) => one.offsetParent)`;
    await page.click(editor, `the editor of ${tool}`);
    await page.press('a', CONTROL);
    await page.press('Delete');
    await page.type(JSON.stringify(values));
  };
  const answer = () => page.evaluate(responseText);

  return {
    /** Waits until tabs, editors and schema are there. */
    isShown: async () => {
      await page.waitFor(`document.querySelectorAll('.graphiql-tab').length > 0`, 'its tabs');
      await page.waitFor(`document.querySelector('.graphiql-query-editor .view-line')`, 'an example');
    },
    tabs: () =>
      page.evaluate(`[...document.querySelectorAll(${JSON.stringify(TAB)})].map((tab) => tab.textContent.trim())`),
    openTab: async (name) => {
      await page.click(byText(TAB, name), `a tab ${name}`);
      const open = `document.querySelector('.graphiql-tab-active')?.textContent.trim().startsWith(${JSON.stringify(name)})`;
      await page.waitFor(open, `the tab ${name}`);
    },
    setVariables: (values) => fill('Variables', values),
    setHeaders: (values) => fill('Headers', values),
    /** Starts one of the operations of the open tab by the run button and its menu. */
    run: async (operation) => {
      await page.click(`document.querySelector('.graphiql-execute-button')`, 'the run button');
      await page.click(byText('[role=menuitem]', operation), `${operation} in the menu of the run button`);
    },
    refetchSchema: () =>
      page.click(`document.querySelector('button[aria-label^="Re-fetch"]')`, 'the button Re-fetch GraphQL schema'),
    answer,
    /** Waits until the answer pane shows that, and returns the match. */
    answers: async (pattern, what) => {
      await page.waitFor(`${pattern}.test(${responseText})`, what).catch(async (error) => {
        throw new Error(`${error.message} Its answer: ${(await answer()) || '(nothing)'}`);
      });
      return pattern.exec(await answer());
    },
    schemaIsRead: () => page.waitFor(`!document.querySelector('.graphiql-spinner')`, 'the end of reading the schema'),
  };
}
