/** The parts of a browser's window that are used here; no other code of ours runs in one. */
interface Page {
  document: { querySelector(selector: string): unknown };
  location: { protocol: string; host: string; pathname: string };
  localStorage: { getItem(key: string): string | null };
  fetch: typeof fetch;
  WebSocket: new (url: string, protocol: string) => Socket;
  YogaGraphiQL: { renderYogaGraphiQL(root: unknown, options: object): void };
  MonacoEnvironment?: object;
}

interface Socket {
  onopen: () => void;
  onmessage: (message: { data: string }) => void;
  onclose: (close: { code: number; reason: string }) => void;
  send(text: string): void;
  close(code: number): void;
}

interface GraphqlRequest {
  query: string;
  variables?: object;
  operationName?: string | null;
}

interface Tab {
  query: string | null;
  variables?: string | null;
}

interface Given {
  headers?: Record<string, string>;
  documentAST?: { definitions: { operation?: string; name?: { value: string } }[] };
}

interface Observer {
  next(result: unknown): void;
  complete(): void;
}

/**
 * Shows GraphiQL. It runs in the browser, which gets the text of this function: it uses nothing from outside itself.
 * GraphiQL's own fetcher would not give the headers to a WebSocket, so that no subscription could carry a token.
 */
export function showPlayground(page: Page, { tabs, logo }: { tabs: Tab[]; logo: string }): void {
  /** Given in any tab it goes with every request, until the page is loaded anew. */
  let authorization: string | undefined;

  async function ask(request: GraphqlRequest, headers: Record<string, string>): Promise<unknown> {
    const answer = await page.fetch(page.location.pathname, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
      body: JSON.stringify(request),
    });
    if (answer.headers.get('content-type')?.includes('json')) return answer.json();
    throw new Error(`HTTP ${answer.status}: ${await answer.text()}`);
  }

  /** One subscription, on a WebSocket of its own (the protocol is graphql-transport-ws). */
  function follow(request: GraphqlRequest, observer: Observer): { unsubscribe(): void } {
    const { protocol, host, pathname } = page.location;
    const address = `${protocol === 'https:' ? 'wss' : 'ws'}://${host}${pathname}`;
    const socket = new page.WebSocket(address, 'graphql-transport-ws');
    const send = (message: object) => socket.send(JSON.stringify(message));
    let ended = false;
    const end = (last?: unknown) => {
      if (ended) return;
      ended = true;
      if (last !== undefined) observer.next(last);
      observer.complete();
      socket.close(1000);
    };
    socket.onopen = () => send({ type: 'connection_init', payload: { authorization } });
    socket.onmessage = ({ data }) => {
      const { type, payload } = JSON.parse(data);
      if (type === 'connection_ack') send({ id: '1', type: 'subscribe', payload: request });
      else if (type === 'ping') send({ type: 'pong' });
      else if (type === 'next' && !ended) observer.next(payload);
      else if (type === 'error') end({ errors: payload });
      else if (type === 'complete') end();
    };
    socket.onclose = ({ code, reason }) => {
      const refused = 'The API token is missing or wrong. Give it under Headers: { "authorization": "Bearer …" }';
      const lost = `The connection was closed (${code} ${reason}). Run it again to go on.`;
      end({ errors: [{ message: code === 4403 ? refused : lost }] });
    };
    return { unsubscribe: () => end() };
  }

  function isSubscription({ operationName }: GraphqlRequest, { documentAST }: Given): boolean {
    const operations = documentAST?.definitions ?? [];
    return operations.some(
      ({ operation, name }) => operation === 'subscription' && (!operationName || name?.value === operationName),
    );
  }

  function fetcher(request: GraphqlRequest, given: Given = {}): unknown {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(given.headers ?? {})) headers[name.toLowerCase()] = value;
    authorization = headers.authorization || authorization;
    if (authorization !== undefined) headers.authorization = authorization;
    if (!isSubscription(request, given)) return ask(request, headers);
    return { subscribe: (observer: Observer) => follow(request, observer) };
  }

  /** The tab that is in front: the one of the last visit, which GraphiQL keeps in the browser, or the first. */
  function tabInFront(): Tab | undefined {
    try {
      const kept = JSON.parse(page.localStorage.getItem('graphiql:tabState') ?? 'null');
      return kept?.tabs[kept.activeTabIndex] ?? tabs[0];
    } catch {
      return tabs[0]; // what is kept cannot be read; GraphiQL then begins anew as well
    }
  }

  const opened = tabInFront();
  page.MonacoEnvironment = {
    globalAPI: false,
    getWorkerUrl: (_id: string, label: string) => `playground/${label}.worker.js`,
  };
  page.YogaGraphiQL.renderYogaGraphiQL(page.document.querySelector('#root'), {
    title: 'Stateward',
    logo,
    fetcher,
    defaultTabs: tabs,
    // Without these GraphiQL opens the first tab without its variables, and adds an empty one at each visit.
    query: opened?.query,
    variables: opened?.variables,
    defaultEditorToolsVisibility: 'variables',
    shouldPersistHeaders: undefined, // a token is kept by the browser only where its user wants that (in the settings)
    onEditQuery: () => undefined, // by default every text would go into the address, and from there into histories and logs
  });
}
