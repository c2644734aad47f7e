// <form data-upload-url data-complete-url> with a .dropzone: sends the files of a folder one by one, then completes.
//
// Each file is POSTed as multipart: file, relative_path, sha256 (where the browser can compute it).
// Afterwards an empty POST to data-complete-url; its Location (or its redirect) is followed, else the page reloads.
import { csrfToken } from "./csrf.js";

const SIDE_BY_SIDE = 3;
const ATTEMPTS = 3;
const IGNORED = /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX$)/;

export function equipUploads(root) {
  root.querySelectorAll("form[data-upload-url]").forEach((form) => {
    if (form.dataset.uploadReady) return;
    form.dataset.uploadReady = "yes";
    new Uploader(form);
  });
}

class Uploader {
  constructor(form) {
    this.form = form;
    this.zone = form.querySelector(".dropzone") ?? form;
    this.progress = form.querySelector("progress");
    this.message = form.querySelector("[data-upload-message]");
    this.problems = form.querySelector("[data-upload-problems]");
    this.busy = false;
    form.addEventListener("submit", (event) => this.submit(event));
    form.querySelectorAll("input[type=file]").forEach((input) => {
      input.addEventListener("change", () => this.send(fromInput(input)));
    });
    this.zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.zone.classList.add("dropzone--over");
    });
    this.zone.addEventListener("dragleave", () => this.zone.classList.remove("dropzone--over"));
    this.zone.addEventListener("drop", (event) => this.drop(event));
    window.addEventListener("beforeunload", (event) => {
      if (this.busy) event.preventDefault();
    });
  }

  submit(event) {
    event.preventDefault();
    const chosen = [...this.form.querySelectorAll("input[type=file]")].flatMap(fromInput);
    this.send(chosen);
  }

  async drop(event) {
    event.preventDefault();
    this.zone.classList.remove("dropzone--over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const nested = await Promise.all(entries.map((entry) => filesBelow(entry, "")));
    this.send(nested.flat());
  }

  async send(files) {
    if (this.busy) return;
    const wanted = files.filter(({ path }) => !path.split("/").some((part) => IGNORED.test(part)));
    if (wanted.length === 0) {
      this.say("No file was found there. Choose the folder that holds the DICOM files.");
      return;
    }
    this.busy = true;
    this.begin(wanted);
    const refused = await this.sendAll(wanted);
    this.busy = false;
    if (refused.length) {
      this.report(refused, wanted.length);
    } else {
      await this.complete();
    }
  }

  begin(files) {
    this.total = files.reduce((sum, { file }) => sum + file.size, 0);
    this.sent = 0;
    this.count = 0;
    this.files = files.length;
    if (this.problems) this.problems.replaceChildren();
    this.step(0);
  }

  async sendAll(files) {
    const queue = [...files];
    const refused = [];
    const lane = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const reason = await this.sendOne(next);
        if (reason) refused.push({ path: next.path, reason });
        this.count += 1;
        this.step(next.file.size);
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane));
    return refused;
  }

  // Returns nothing when the file was taken, else a sentence.
  async sendOne({ file, path }) {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      try {
        const body = new FormData();
        body.append("relative_path", path);
        body.append("sha256", await digest(file));
        body.append("file", file, file.name);
        const answer = await post(this.form.dataset.uploadUrl, body);
        if (answer.ok) return "";
        if (answer.status < 500) return await sentence(answer);
      } catch {
        // the network failed; try again
      }
      await new Promise((resolve) => setTimeout(resolve, 500 * attempt));
    }
    return "did not arrive; check the network and send it again";
  }

  async complete() {
    this.say(`All ${this.files} files arrived. Closing the upload …`);
    try {
      const answer = await post(this.form.dataset.completeUrl, new FormData());
      if (!answer.ok) {
        this.say(await sentence(answer));
        return;
      }
      const place = answer.headers.get("Location") ?? (answer.redirected ? answer.url : "");
      if (place) window.location.assign(place);
      else window.location.reload();
    } catch {
      this.say("The files arrived, but the server did not answer. Press the button to close the upload.");
    }
  }

  step(bytes) {
    this.sent += bytes;
    if (this.progress) {
      this.progress.hidden = false;
      this.progress.max = Math.max(this.total, 1);
      this.progress.value = this.sent;
    }
    this.say(`${this.count} of ${this.files} files sent (${megabytes(this.sent)} of ${megabytes(this.total)} MB)`);
  }

  report(refused, total) {
    this.say(`${refused.length} of ${total} files were not taken. Nothing is lost: mend the reason and send them again.`);
    if (!this.problems) return;
    const lines = refused.slice(0, 20).map(({ path, reason }) => {
      const line = document.createElement("li");
      line.textContent = `${path}: ${reason}`;
      return line;
    });
    this.problems.replaceChildren(...lines);
  }

  say(text) {
    if (this.message) this.message.textContent = text;
  }
}

function post(url, body) {
  return fetch(url, { method: "POST", body, credentials: "same-origin", headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" } });
}

async function sentence(answer) {
  const text = await answer.text();
  try {
    const problem = JSON.parse(text);
    return problem.detail ?? problem.title ?? `the server answered ${answer.status}`;
  } catch {
    return `the server answered ${answer.status}`;
  }
}

async function digest(file) {
  if (!window.crypto?.subtle) return ""; // plain http to another machine; the server computes its own
  const bytes = new Uint8Array(await window.crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromInput(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

async function filesBelow(entry, above) {
  const path = above ? `${above}/${entry.name}` : entry.name;
  if (entry.isFile) {
    return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path }];
  }
  const reader = entry.createReader();
  const found = [];
  // A reader hands out at most a hundred entries at a time.
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) break;
    const nested = await Promise.all(batch.map((child) => filesBelow(child, path)));
    found.push(...nested.flat());
  }
  return found;
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}
