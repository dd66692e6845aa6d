import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const STARTS_WITHIN_MS = 30_000;

/** Path of a Chromium, or undefined: $CHROMIUM, or the first in the PATH. */
export function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((path) => existsSync(path));
}

/**
 * A headless Chromium with one page, driven over the DevTools protocol. `asked` has the address of everything that the
 * page and its workers asked for, `complaints` what its console said of errors.
 */
export async function startChromium(path) {
  const folder = mkdtempSync(join(tmpdir(), 'stateward-chromium-'));
  const child = spawn(
    path,
    [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions'],
      ...['--remote-debugging-port=0', `--user-data-dir=${folder}`, '--window-size=1500,1000', 'about:blank'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const gone = once(child, 'close'); // when its helpers, which share its stderr and write into the folder, are gone too
  const stop = async () => {
    child.kill();
    await gone;
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    const devtools = await connect(await addressOf(child));
    return { ...(await openPage(devtools)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function addressOf(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    const complain = (what) => reject(new Error(`Chromium ${what}. It said:\n${said}`));
    const timer = setTimeout(() => complain(`was not ready within ${STARTS_WITHIN_MS / 1000} s`), STARTS_WITHIN_MS);
    child.once('error', (error) => complain(`could not be started (${error.message})`));
    child.once('exit', () => complain('ended at once'));
    createInterface(child.stderr).on('line', (line) => {
      said += `${line}\n`;
      const address = /^DevTools listening on (ws:\S+)/.exec(line)?.[1];
      if (!address) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
}

async function connect(address) {
  const socket = new WebSocket(address, { maxPayload: 256 * 1024 * 1024 });
  await once(socket, 'open');
  const waiting = new Map();
  const listeners = [];
  let last = 0;
  socket.on('close', () => waiting.forEach(({ reject }) => reject(new Error('Chromium has gone.'))));
  socket.on('message', (text) => {
    const { id, error, result, method, params, sessionId } = JSON.parse(text);
    if (id === undefined) return listeners.forEach((listener) => listener(method, params, sessionId));
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(`DevTools: ${error.message}`));
    else resolve(result);
  });
  return {
    onEvent: (listener) => void listeners.push(listener),
    send: (method, params = {}, sessionId = undefined) =>
      new Promise((resolve, reject) => {
        if (socket.readyState !== WebSocket.OPEN) return reject(new Error('Chromium has gone.'));
        waiting.set(++last, { resolve, reject });
        socket.send(JSON.stringify({ id: last, method, params, sessionId }));
      }),
  };
}

async function openPage({ send, onEvent }) {
  const asked = [];
  const complaints = [];
  onEvent((method, params, session) => {
    if (method === 'Target.attachedToTarget')
      watch(params.sessionId).catch(complain); // a worker of the page
    else if (method === 'Network.requestWillBeSent') asked.push(params.request.url);
    else if (method === 'Network.webSocketCreated') asked.push(params.url);
    else if (method === 'Runtime.exceptionThrown') complaints.push(told(params.exceptionDetails));
    else if (method === 'Runtime.consoleAPICalled' && ['error', 'assert'].includes(params.type))
      complaints.push(params.args.map(({ value, description }) => value ?? description).join(' '));
    else if (method === 'Log.entryAdded' && params.entry.level === 'error' && session)
      complaints.push(`${params.entry.text} ${params.entry.url ?? ''}`.trim());
  });
  const complain = ({ message }) => {
    if (!/Session with given id not found/.test(message)) complaints.push(message); // else: the worker has ended already
  };
  const watch = async (session) => {
    await send('Network.enable', {}, session);
    await send('Runtime.enable', {}, session);
    // Workers have no log domain of their own in every version: the page's has theirs as well.
    await send('Log.enable', {}, session).catch((error) => {
      if (!/wasn't found/.test(error.message)) throw error;
    });
    await send('Runtime.runIfWaitingForDebugger', {}, session);
  };
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  await send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true }, sessionId);
  await watch(sessionId);
  const inPage = (method, params) => send(method, params, sessionId);

  /** The value of an expression in the page. */
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await inPage('Runtime.evaluate', { expression, returnByValue: true });
    if (exceptionDetails) throw new Error(`${expression}: ${told(exceptionDetails)}`);
    return result.value;
  };
  /** Waits until an expression in the page gives something, and returns that. */
  const waitFor = async (expression, what, withinMs = 20_000) => {
    for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(50)) {
      const value = await evaluate(expression);
      if (value) return value;
    }
    throw new Error(`The page did not show ${what} within ${withinMs / 1000} s.`);
  };
  const press = async (key, modifiers = 0) => {
    const of = { key, code: key.length === 1 ? `Key${key.toUpperCase()}` : key, modifiers };
    const windowsVirtualKeyCode = key.length === 1 ? key.toUpperCase().charCodeAt(0) : { Escape: 27, Delete: 46 }[key];
    await inPage('Input.dispatchKeyEvent', { type: 'rawKeyDown', windowsVirtualKeyCode, ...of });
    await inPage('Input.dispatchKeyEvent', { type: 'keyUp', windowsVirtualKeyCode, ...of });
  };
  return {
    asked,
    complaints,
    evaluate,
    waitFor,
    press,
    open: (url) => inPage('Page.navigate', { url }),
    type: (text) => inPage('Input.insertText', { text }),
    /** Clicks into the middle of the element that an expression gives, once it is there. */
    click: async (element, what) => {
      const middle = `(() => { const box = (${element})?.getBoundingClientRect();
        return box?.width ? { x: box.x + box.width / 2, y: box.y + box.height / 2 } : null })()`;
      const at = await waitFor(middle, what);
      await inPage('Input.dispatchMouseEvent', { type: 'mouseMoved', ...at });
      for (const [type, buttons] of Object.entries({ mousePressed: 1, mouseReleased: 0 }))
        await inPage('Input.dispatchMouseEvent', { type, ...at, button: 'left', buttons, clickCount: 1 });
    },
    screenshot: async (file) => {
      const { data } = await inPage('Page.captureScreenshot', { format: 'png' });
      writeFileSync(file, Buffer.from(data, 'base64'));
    },
  };
}

const told = ({ text, exception }) => [text, exception?.description].filter(Boolean).join(' ');
