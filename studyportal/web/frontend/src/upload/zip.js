// Reads a zip file of any size through its table of contents: only the entry that is asked for is in memory.
// Layout of the records: APPNOTE.TXT of PKWARE, sections 4.3.7 to 4.5.3.
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const LARGEST_COMMENT = 0xffff;
const LARGEST_TABLE = 256 * 2 ** 20;
const LINK = 0xa000;

export class ZipRefused extends Error {
  constructor(why, entry = "") {
    super(why);
    this.why = why;
    this.entry = entry;
  }
}

export const isZip = (name) => /\.zip$/i.test(name);

// The files of a zip as {name, size, read()}; `wanted(name)` leaves out what a system put there.
export const entriesOf = (file, wanted) => naming(file, listed(file, wanted));

async function naming(file, work) {
  try {
    return await work;
  } catch (fault) {
    if (fault instanceof ZipRefused) fault.zip = file.name;
    throw fault;
  }
}

async function listed(file, wanted) {
  const end = await findEnd(file);
  if (end.size > LARGEST_TABLE || end.offset + end.size > file.size) throw new ZipRefused("zip_cut");
  const table = await bytesOf(file, end.offset, end.size);
  const entries = [];
  for (let at = 0, n = 0; n < end.entries; n += 1) {
    if (at + 46 > table.byteLength || table.getUint32(at, true) !== CENTRAL) throw new ZipRefused("zip_cut");
    const entry = readEntry(table, at);
    at += entry.length;
    if (!entry.name.endsWith("/") && wanted(entry.name)) entries.push(entry);
  }
  entries.forEach(refuse);
  refuseOverlaps(entries, file.size);
  return entries.map((entry) => ({ name: entry.name, size: entry.size, read: () => naming(file, unpacked(file, entry)) }));
}

async function bytesOf(file, offset, size) {
  const buffer = await file.slice(offset, offset + size).arrayBuffer();
  if (buffer.byteLength !== size) throw new ZipRefused("zip_cut");
  return new DataView(buffer);
}

async function findEnd(file) {
  const size = Math.min(file.size, LARGEST_COMMENT + 22);
  if (size < 22) throw new ZipRefused("zip_cut");
  const start = file.size - size;
  const tail = await bytesOf(file, start, size);
  for (let at = size - 22; at >= 0; at -= 1) {
    if (tail.getUint32(at, true) !== END) continue;
    const found = { entries: tail.getUint16(at + 10, true), size: tail.getUint32(at + 12, true), offset: tail.getUint32(at + 16, true) };
    const large = found.entries === 0xffff || found.size === 0xffffffff || found.offset === 0xffffffff;
    return large ? findEnd64(file, start + at) : found;
  }
  throw new ZipRefused("zip_cut");
}

async function findEnd64(file, end) {
  if (end < 20) throw new ZipRefused("zip_cut");
  const locator = await bytesOf(file, end - 20, 20);
  if (locator.getUint32(0, true) !== LOCATOR_64) throw new ZipRefused("zip_cut");
  const record = await bytesOf(file, Number(locator.getBigUint64(8, true)), 56);
  if (record.getUint32(0, true) !== END_64) throw new ZipRefused("zip_cut");
  const number = (at) => Number(record.getBigUint64(at, true));
  return { entries: number(32), size: number(40), offset: number(48) };
}

function readEntry(table, at) {
  const short = (offset) => table.getUint16(at + offset, true);
  const long = (offset) => table.getUint32(at + offset, true);
  const [nameLength, extraLength, commentLength] = [short(28), short(30), short(32)];
  const length = 46 + nameLength + extraLength + commentLength;
  if (at + length > table.byteLength) throw new ZipRefused("zip_cut");
  const entry = {
    length,
    locked: (short(8) & 1) === 1,
    method: short(10),
    crc: long(16),
    packed: long(20),
    size: long(24),
    link: short(4) >> 8 === 3 && ((long(38) >>> 16) & 0xf000) === LINK,
    offset: long(42),
    name: text(new Uint8Array(table.buffer, at + 46, nameLength)),
  };
  return widen(entry, table, at + 46 + nameLength, extraLength);
}

// Sizes that do not fit in 32 bits stand in an extra field, in this order and only where they are needed.
function widen(entry, table, start, size) {
  for (let at = start; at + 4 <= start + size; ) {
    const [id, length] = [table.getUint16(at, true), table.getUint16(at + 2, true)];
    let next = at + 4;
    if (id === 1) {
      for (const field of ["size", "packed", "offset"]) {
        if (entry[field] !== 0xffffffff) continue;
        if (next + 8 > at + 4 + length) throw new ZipRefused("zip_cut");
        entry[field] = Number(table.getBigUint64(next, true));
        next += 8;
      }
    }
    at += 4 + length;
  }
  return entry;
}

// Names are shown to people only; those that are no UTF-8 come from old programs.
function text(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030").decode(bytes);
  }
}

function refuse(entry) {
  if (entry.locked) throw new ZipRefused("zip_locked");
  if (entry.method !== 0 && entry.method !== 8) throw new ZipRefused("zip_method");
  if (entry.link) throw new ZipRefused("zip_link", entry.name);
  if (isZip(entry.name)) throw new ZipRefused("zip_nested", entry.name);
}

// Entries that share their bytes make a small file declare a huge content.
function refuseOverlaps(entries, size) {
  const sorted = [...entries].sort((a, b) => a.offset - b.offset);
  sorted.forEach((entry, n) => {
    const next = sorted[n + 1]?.offset ?? size;
    if (entry.offset + 30 + entry.packed > next) throw new ZipRefused("zip_overlap");
  });
}

async function unpacked(file, entry) {
  const head = await bytesOf(file, entry.offset, 30);
  if (head.getUint32(0, true) !== LOCAL) throw new ZipRefused("zip_cut");
  const start = entry.offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const packed = file.slice(start, start + entry.packed);
  const bytes = entry.method === 0 ? new Uint8Array(await packed.arrayBuffer()) : await inflated(packed, entry.size);
  if (bytes.length !== entry.size || crc32(bytes) !== entry.crc) throw new ZipRefused("zip_cut");
  return bytes;
}

// Never more than was declared, whatever comes out.
async function inflated(packed, size) {
  const bytes = new Uint8Array(size);
  const reader = packed.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  let filled = 0;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      if (filled + piece.value.length > size) throw new ZipRefused("zip_cut");
      bytes.set(piece.value, filled);
      filled += piece.value.length;
    }
  } catch {
    throw new ZipRefused("zip_cut");
  }
  if (filled !== size) throw new ZipRefused("zip_cut");
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (let n = 0; n < bytes.length; n += 1) crc = CRC_TABLE[(crc ^ bytes[n]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
