// Results as a workbook that Excel and others open.

/** The bytes of an .xlsx workbook: sheets as { name, widths, rows }, the first row a header. */
function workbook(sheets) {
  const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
  const main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const types = "application/vnd.openxmlformats-officedocument.spreadsheetml";
  const pack = "http://schemas.openxmlformats.org/package/2006";
  const files = {
    "[Content_Types].xml":
      `${head}<Types xmlns="${pack}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${types}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="${types}.styles+xml"/>` +
      sheets.map((_, i) => `<Override PartName="/xl/worksheets/sheet${i + 1}.xml" ContentType="${types}.worksheet+xml"/>`).join("") +
      "</Types>",
    "_rels/.rels": `${head}<Relationships xmlns="${pack}/relationships"><Relationship Id="rId1" Type="${office}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    "xl/workbook.xml":
      `${head}<workbook xmlns="${main}" xmlns:r="${office}"><sheets>` +
      sheets.map((sheet, i) => `<sheet name="${escapeHtml(sheet.name)}" sheetId="${i + 1}" r:id="rId${i + 1}"/>`).join("") +
      "</sheets></workbook>",
    "xl/_rels/workbook.xml.rels":
      `${head}<Relationships xmlns="${pack}/relationships">` +
      sheets.map((_, i) => `<Relationship Id="rId${i + 1}" Type="${office}/worksheet" Target="worksheets/sheet${i + 1}.xml"/>`).join("") +
      `<Relationship Id="rId${sheets.length + 1}" Type="${office}/styles" Target="styles.xml"/></Relationships>`,
    "xl/styles.xml": `${head}<styleSheet xmlns="${main}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf/><xf fontId="1" applyFont="1"/></cellXfs></styleSheet>`,
  };
  sheets.forEach((sheet, i) => {
    const columns = sheet.widths.map((width, c) => `<col min="${c + 1}" max="${c + 1}" width="${width}" customWidth="1"/>`);
    const rows = sheet.rows.map((row, r) => `<row r="${r + 1}">${row.map((value, c) => cellXml(value, r, c)).join("")}</row>`);
    files[`xl/worksheets/sheet${i + 1}.xml`] =
      `${head}<worksheet xmlns="${main}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>${columns.join("")}</cols><sheetData>${rows.join("")}</sheetData></worksheet>`;
  });
  return zipped(files);
}

function cellXml(value, r, c) {
  if (value === null) return "";
  const at = `${String.fromCharCode(65 + c)}${r + 1}`;
  if (typeof value === "number") return `<c r="${at}"><v>${value}</v></c>`;
  const style = r === 0 ? ' s="1"' : "";
  return `<c r="${at}" t="inlineStr"${style}><is><t xml:space="preserve">${escapeHtml(String(value))}</t></is></c>`;
}

/** A zip archive of text files, stored as they are (PKWARE's APPNOTE, sections 4.3.7 to 4.3.16). */
function zipped(files) {
  const parts = [];
  const entries = [];
  let offset = 0;
  const header = (signature, numbers) => {
    const bytes = new DataView(new ArrayBuffer(4 + numbers.reduce((sum, [size]) => sum + size, 0)));
    bytes.setUint32(0, signature, true);
    let at = 4;
    for (const [size, value] of numbers) {
      if (size === 2) bytes.setUint16(at, value, true);
      else bytes.setUint32(at, value, true);
      at += size;
    }
    return new Uint8Array(bytes.buffer);
  };
  for (const [name, text] of Object.entries(files)) {
    const [path, body] = [name, text].map((part) => new TextEncoder().encode(part));
    // 1 January 1980: the same results give the same bytes.
    const common = [[2, 20], [2, 0x800], [2, 0], [2, 0], [2, 33], [4, crc32(body)], [4, body.length], [4, body.length], [2, path.length], [2, 0]];
    const local = header(0x04034b50, common);
    entries.push(header(0x02014b50, [[2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), path);
    parts.push(local, path, body);
    offset += local.length + path.length + body.length;
  }
  const size = entries.reduce((sum, part) => sum + part.length, 0);
  const n = entries.length / 2;
  const end = header(0x06054b50, [[2, 0], [2, 0], [2, n], [2, n], [4, size], [4, offset], [2, 0]]);
  return new Blob([...parts, ...entries, end], { type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" });
}

/** The checksum of zip files (ISO 3309). */
function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ -1) >>> 0;
}
