// What every page that is one file needs: its elements, text for HTML, and results to take along.

const byId = (id) => document.getElementById(id);

/** Text as HTML and XML may have it, in quotes too. */
function escapeHtml(text) {
  return String(text).replace(/[&<>"]/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[one]);
}

/** Text for a CSV file: rows of cells, with the mark by which Excel knows it as UTF-8. */
function csvText(rows) {
  const cell = (value) => {
    const text = value === null ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  return "\ufeff" + rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** Copy the address with what is chosen; `addressOf` is the page's own. */
async function copyLink() {
  const link = `${window.location.href.split("#")[0]}#${addressOf()}`;
  let copied = false;
  try {
    await window.navigator.clipboard.writeText(link);
    copied = true;
  } catch {
    copied = false;
  }
  byId("link").value = link;
  byId("link-shown").hidden = copied;
  if (!copied) {
    byId("link").select();
    copied = document.execCommand("copy");
    byId("link-shown").hidden = copied;
  }
  byId("done").textContent = copied ? "The link is copied." : "Copy the link below.";
}

/** Save a file from the page, and say so. */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  byId("done").textContent = `Saved as ${name}.`;
}
