// Reads, announces and sends the files of one upload, beside the page, which only shows what is posted to it.
//
// From the page: {act: "start", files, urls, token, limits, startOver}, {act: "pause"}, {act: "go", token}.
// To the page: {phase, ...}; phases are listing, reading, sending, paused, offline, completing, done, refused.
import { FileGone, addDigests, sourcesOf } from "./sources.js";
import { ZipRefused } from "./zip.js";

const LANES = 3;
const BATCH_FILES = 64;
const BATCH_BYTES = 8e6;
const LONGEST_WAIT_MS = 30_000;
const BETWEEN_WORDS_MS = 100;

class Stop extends Error {} // the person paused
class Refusal extends Error {
  constructor(said) {
    super(said.code);
    this.said = said;
  }
}

const job = { sources: null, urls: {}, token: "", saidAt: 0, paused: false, running: false, abort: new AbortController() };

self.addEventListener("message", ({ data }) => {
  if (data.act === "start") Object.assign(job, { chosen: data.files, urls: data.urls, limits: data.limits, sources: null });
  if (data.act === "pause") {
    job.paused = true;
    job.abort.abort();
    return;
  }
  job.token = data.token;
  job.startOver = data.startOver === true;
  job.paused = false;
  if (job.running) job.again = true;
  else run();
});

async function run() {
  job.running = true;
  job.abort = new AbortController();
  try {
    await prepare();
    const missing = await announce();
    await sendAll(missing);
    say("completing", counts());
    const { page } = await ask(job.urls.complete, "{}");
    say("done", { page });
  } catch (fault) {
    report(fault);
  } finally {
    job.running = false;
  }
  // Whoever pressed "Go on" while the last request was still ending must not be forgotten.
  if (job.again) {
    job.again = false;
    run();
  }
}

function report(fault) {
  if (fault instanceof Stop || job.paused) say("paused", counts());
  else if (fault instanceof Refusal) say("refused", { ...counts(), ...fault.said });
  else if (fault instanceof ZipRefused) say("refused", { code: "zip_unreadable", name: fault.zip, why: fault.why, entry: fault.entry });
  else if (fault instanceof FileGone) say("refused", { code: "gone", name: fault.file });
  else throw fault;
}

const say = (phase, more = {}) => self.postMessage({ phase, ...more });

// Small files are read by the hundred a second; a page drawn anew for each would take the time of the reading.
function sometimes(phase, more) {
  const now = performance.now();
  if (now - job.saidAt < BETWEEN_WORDS_MS) return;
  job.saidAt = now;
  say(phase, more);
}

async function prepare() {
  if (!job.sources) {
    say("listing");
    job.sources = await sourcesOf(job.chosen);
    refuseUnfit(job.sources);
  }
  job.bytes = job.sources.reduce((sum, { size }) => sum + size, 0);
  const read = { files: 0, megabytes: 0 };
  await addDigests(job.sources, {
    stopped: () => job.paused,
    step: (size) => {
      read.files += 1;
      read.megabytes += size / 1e6;
      sometimes("reading", { ...read, total: job.sources.length, all_megabytes: job.bytes / 1e6 });
    },
  });
  if (job.paused) throw new Stop();
}

function refuseUnfit(sources) {
  const { files, bytes } = job.limits;
  if (!sources.length) throw new Refusal({ code: "nothing" });
  if (sources.length > files) throw new Refusal({ code: "too_many", total: sources.length, limit: files });
  const large = sources.find(({ size }) => size > bytes);
  if (large) throw new Refusal({ code: "too_large", name: large.name, limit: Math.floor(bytes / 2 ** 20) });
}

async function announce() {
  const files = job.sources.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
  const state = await ask(job.urls.announce, JSON.stringify({ files, start_over: job.startOver }));
  job.startOver = false;
  job.state = state;
  job.sent = { files: state.arrived, bytes: state.arrived_bytes };
  say("sending", { ...counts(), before: state.arrived, copies: state.copies });
  const byDigest = new Map(job.sources.map((source) => [source.sha256, source]));
  return state.missing.map((digest) => byDigest.get(digest));
}

function counts() {
  if (!job.state) return { files: 0, total: job.sources?.length ?? 0, megabytes: 0, all_megabytes: (job.bytes ?? 0) / 1e6 };
  const { announced, announced_bytes } = job.state;
  return { files: job.sent.files, total: announced, megabytes: job.sent.bytes / 1e6, all_megabytes: announced_bytes / 1e6 };
}

async function sendAll(missing) {
  const queue = batches(missing);
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      if (job.paused) throw new Stop();
      await sendBatch(next);
      job.sent.files += next.length;
      job.sent.bytes += next.reduce((sum, { size }) => sum + size, 0);
      say("sending", counts());
    }
  };
  const lanes = Array.from({ length: LANES }, lane);
  try {
    await Promise.all(lanes);
  } catch (fault) {
    queue.length = 0; // the other lanes end with what they have in hand
    await Promise.allSettled(lanes);
    throw fault;
  }
}

// Small files share a request: the network's round trips would cost more than their bytes.
function batches(files) {
  const found = [];
  let room = 0;
  for (const file of files) {
    const last = found.at(-1);
    if (!last || last.length >= BATCH_FILES || file.size > room) {
      found.push([file]);
      room = BATCH_BYTES - file.size;
    } else {
      last.push(file);
      room -= file.size;
    }
  }
  return found;
}

async function sendBatch(files) {
  const head = `${JSON.stringify({ files: files.map(({ sha256, size }) => [sha256, size]) })}\n`;
  const body = new Blob([head, ...(await Promise.all(files.map((file) => file.part())))]);
  await ask(job.urls.files, body, files);
}

// The server's answer; a lost connection and a server that is starting are waited for.
async function ask(url, body, files = []) {
  for (let wait = 1000; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
    if (job.paused) throw new Stop();
    try {
      const answer = await fetch(url, {
        method: "POST", body, redirect: "manual", signal: job.abort.signal,
        headers: { "X-CSRFToken": job.token, Accept: "application/json", "Content-Type": "application/octet-stream" },
      });
      if (answer.ok) return await answer.json();
      if (answer.type === "opaqueredirect" || [401, 403].includes(answer.status)) throw new Refusal({ code: "signed_out", again: true });
      if (answer.status < 500) throw new Refusal(await sentence(answer));
    } catch (fault) {
      if (fault instanceof Refusal) throw fault;
      if (job.paused) throw new Stop();
      for (const file of files) await file.read(); // a file that is gone looks like a lost connection
    }
    say("offline", counts());
    await waited(wait);
  }
}

async function sentence(answer) {
  const problem = await answer.json().catch(() => ({}));
  if (!problem.detail) return { code: "server", status: answer.status, again: true };
  return { code: "said", detail: problem.detail, other: problem.reasons?.includes("other_folder") };
}

// Until the time is over, the connection is back or the person pauses.
function waited(milliseconds) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      self.removeEventListener("online", done);
      job.abort.signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    self.addEventListener("online", done);
    job.abort.signal.addEventListener("abort", done);
  });
}
