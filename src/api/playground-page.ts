import { showPlayground } from './playground-client.js';
import { examples } from './playground-examples.js';

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1d4ed8"/><path d="M9 7h11l4 4v14H9z" fill="#fff"/><path d="M12 17l3.5 3.5L21 14" fill="none" stroke="#1d4ed8" stroke-width="2.6"/></svg>`;

/** GraphiQL 5 shifts the tab that is pressed, away from under the pointer, so that none could be opened with a click. */
const STYLE = `
      body { margin: 0; overflow: hidden }
      .graphiql-logo span { margin-left: 8px }
      .graphiql-tab { transform: none !important }
    `;

/** Its addresses are relative, so that it works behind a proxy that puts a path before /graphql. */
export const playgroundPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>Stateward playground</title>
    <link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}" />
    <link rel="stylesheet" href="playground/graphiql.css" />
    <style>${STYLE}</style>
  </head>
  <body id="body" class="no-focus-outline">
    <noscript>The playground needs JavaScript. Everything that it does can be done with curl as well: see the README.</noscript>
    <div id="root"></div>
    <script src="playground/graphiql.js"></script>
    <script src="playground/start.js"></script>
  </body>
</html>
`;

const tabs = examples.map(({ query, variables }) => ({ query, variables: JSON.stringify(variables, null, 2) }));

/** The function's own text is sent, and called in the browser. */
export const playgroundScript = `(${showPlayground.toString()})(window, ${JSON.stringify({ tabs, logo: ICON })});\n`;
