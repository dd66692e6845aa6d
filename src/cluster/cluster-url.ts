/** A problem with a URL that a person typed, or the form in which it is kept. */
export type ClusterUrl = { url: string } | { problem: string };

/**
 * The form in which a JobManager address is kept: http or https, no credentials, no query, no fragment, no slash at the end.
 * A path is kept: it is the prefix of every call (reverse proxies).
 */
export function readClusterUrl(text: string): ClusterUrl {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return {
      problem: `"${text}" is not a URL. Give the REST address of the JobManager, such as http://jobmanager:8081.`,
    };
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return { problem: `the scheme ${url.protocol.slice(0, -1)} is not one of http, https.` };
  }
  if (url.username || url.password) {
    return {
      problem:
        'it holds credentials, which would be stored and shown. Remove them; let a proxy beside Stateward add them.',
    };
  }
  if (url.search || url.hash) return { problem: 'it has a query or a fragment. Give the address alone.' };
  return { url: `${url.origin}${url.pathname.replace(/\/+$/, '')}` };
}

/** Whether an address is of this machine: only then may a `file:` root there be the same folder here. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
