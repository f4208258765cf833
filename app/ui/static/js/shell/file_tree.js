/** Files of a drop or a file dialog with their paths inside the chosen folder, and their division into requests. */
const BATCH_FILES = 24;
const BATCH_BYTES = 48_000_000;

export const fromInput = (input) => [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

/**
 * Folders are walked; what the browser cannot walk comes as plain files.
 * Gives {files: [{file, path}], unread}: `unread` names what could not be read, which does not stop the rest.
 */
export async function fromDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = { files: [], unread: [] };
  if (!entries.length) found.files = [...transfer.files].map((file) => ({ file, path: file.name }));
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  const path = entry.fullPath.replace(/^\//, "");
  try {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.files.push({ file, path });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return;
      for (const child of some) await walk(child, found);
    }
  } catch {
    found.unread.push(path);
  }
}

/** Hidden files such as .DS_Store are nobody's images. */
export const withoutHidden = (files) => files.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")));

export function batches(files, { maxFiles = BATCH_FILES, maxBytes = BATCH_BYTES } = {}) {
  const out = [];
  let bytes = Infinity;
  for (const entry of files) {
    if (bytes + entry.file.size > maxBytes || out.at(-1).length >= maxFiles) {
      out.push([]);
      bytes = 0;
    }
    out.at(-1).push(entry);
    bytes += entry.file.size;
  }
  return out;
}

export function addReports(a, b) {
  return {
    added: a.added + b.added,
    duplicates: [...a.duplicates, ...b.duplicates],
    rejected: [...a.rejected, ...b.rejected],
    items: b.items,
  };
}

export const emptyReport = () => ({ added: 0, duplicates: [], rejected: [], items: 0 });
