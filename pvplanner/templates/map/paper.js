/* Paper and pictures: one sheet or a grid of sheets at a round scale, answer sheets, an image. */
var SCALES = [500, 1000, 2000, 5000, 10000, 20000, 50000], SHEET_MM = { A4: [200, 165], A3: [305, 250] }, MM = 96 / 25.4;
view.scale = 0; view.sheetAt = -1;
function metresPerPixel(lat, zoom) { return 156543.03392 * Math.cos(lat * Math.PI / 180) / Math.pow(2, zoom); }
function middleLatitude() { return (view.home[0][0] + view.home[1][0]) / 2; }
/* Sheets of a scale over the village, those without a roof left out; centres in the world's pixels. */
function sheetsOf(scale, size) {
  var mm = SHEET_MM[size], unit = metresPerPixel(middleLatitude(), 0), wide = mm[0] / 1000 * scale / unit, high = mm[1] / 1000 * scale / unit, out = [];
  var b = homeBox(), columns = Math.max(1, Math.ceil((b[2] - b[0]) / wide)), rows = Math.max(1, Math.ceil((b[3] - b[1]) / high));
  if (columns * rows > 400) { return null; }
  var left = (b[0] + b[2]) / 2 - columns * wide / 2, top = (b[1] + b[3]) / 2 - rows * high / 2, used = new Set();
  for (var i = 0; i < view.roofs.count; i++) { var at = middleOf(i); used.add(Math.floor((at[1] - top) / high) * columns + Math.floor((at[0] - left) / wide)); }
  for (var r = 0; r < rows; r++) { for (var c = 0; c < columns; c++) { if (used.has(r * columns + c)) { out.push([left + (c + 0.5) * wide, top + (r + 0.5) * high, c, r]); } } }
  out.columns = columns; out.rows = rows; out.wide = wide; out.high = high;
  return out;
}
function homeBox() {
  var a = view.home;
  return [worldX(a[0][1]) - view.zero[0], worldY(a[1][0]) - view.zero[1], worldX(a[1][1]) - view.zero[0], worldY(a[0][0]) - view.zero[1]];
}
function paperBox() {
  // Sheets are counted when somebody looks.
  if (!document.getElementById("paper-box").open && !view.scale) { return; }
  var scale = document.getElementById("scale"), size = document.getElementById("paper").value, sheets = view.scale ? sheetsOf(view.scale, size) : null, node = document.getElementById("sheet");
  while (scale.firstChild) { scale.removeChild(scale.firstChild); }
  scale.appendChild(element("option", text("scale_fit"), { value: 0 }));
  SCALES.forEach(function (s) { if (sheetsOf(s, size)) { scale.appendChild(element("option", "1 : " + number(s, 0), { value: s })); } });
  scale.value = String(view.scale);
  while (node.firstChild) { node.removeChild(node.firstChild); }
  document.getElementById("sheet-line").hidden = !sheets || sheets.length < 2;
  (sheets || []).forEach(function (s, k) { node.appendChild(element("option", filled("sheet_of", { sheet: k + 1, sheets: sheets.length }), { value: k })); });
  if (sheets) { view.sheetAt = Math.min(Math.max(view.sheetAt, 0), sheets.length - 1); node.value = String(view.sheetAt); }
  view.sheets = sheets;
}
/* The sheet's place on the screen too, so that one sees what is printed. */
function showSheet() {
  paperBox();
  if (!view.sheets) { return; }
  var s = view.sheets[view.sheetAt], half = [view.sheets.wide / 2, view.sheets.high / 2];
  map.fitBounds(L.latLngBounds(latLngOf(s[0] - half[0], s[1] - half[1]), latLngOf(s[0] + half[0], s[1] + half[1])), { animate: false });
}
function paper() {
  var size = document.getElementById("paper").value, sheet = document.styleSheets[document.styleSheets.length - 1];
  /* A rule of its own sheet: the page's policy lets no style in that was not there. */
  if (view.page !== undefined) { sheet.deleteRule(view.page); }
  view.page = sheet.insertRule("@page { size: " + size + " landscape; margin: 10mm; }", sheet.cssRules.length);
  document.body.setAttribute("data-paper", size);
  paperBox();
}
/* On paper the map has the size of the sheet, so it is drawn again for it. */
function printing(on) {
  if (on === view.printing) { return; }
  if (on) {
    view.before = { at: map.getCenter(), zoom: map.getZoom(), bounds: map.getBounds() };
    var whole = L.latLngBounds(view.home);
    view.sheetBounds = view.before.bounds.contains(whole) ? whole : view.before.bounds;
  }
  view.printing = on;
  quiet = on;
  document.body.classList.toggle("printing", on);
  document.getElementById("print-date").textContent = text("printed_on") + text("colon") + new Date().toLocaleDateString(style().html);
  document.getElementById("print-sheet").textContent = view.scale ? "1 : " + number(view.scale, 0) + (view.sheets && view.sheets.length > 1 ? " · " + filled("sheet_of", { sheet: view.sheetAt + 1, sheets: view.sheets.length }) : "") : "";
  sheetKey();
  if (on) { document.getElementById("side").scrollTop = 0; }
  map.invalidateSize({ animate: false });
  map.options.zoomSnap = on ? 0 : 0.25;
  if (!on) { map.setView(view.before.at, view.before.zoom, { animate: false }); }
  else if (view.scale && view.sheets) {
    var s = view.sheets[view.sheetAt], at = latLngOf(s[0], s[1]), zoom = Math.log(156543.03392 * Math.cos(middleLatitude() * Math.PI / 180) * MM * 1000 / view.scale) / Math.LN2;
    map.setView(at, zoom, { animate: false });
  } else { map.fitBounds(view.sheetBounds, { animate: false }); }
  layer.draw(); totals();
}
/* Which sheet this is among all: a small grid. */
function sheetKey() {
  var holder = box("print-key"), sheets = view.scale ? view.sheets : null;
  if (!sheets || sheets.length < 2) { return; }
  var size = 9, picture = drawing("svg", { viewBox: "-1 -1 " + (sheets.columns * size + 2) + " " + (sheets.rows * size + 2), width: sheets.columns * size + 2, height: sheets.rows * size + 2 });
  sheets.forEach(function (s, k) {
    picture.appendChild(drawing("rect", { x: s[2] * size, y: s[3] * size, width: size, height: size, fill: k === view.sheetAt ? "#12304a" : "#ffffff", stroke: "#12304a" }));
    picture.appendChild(drawing("text", { x: (s[2] + 0.5) * size, y: (s[3] + 0.75) * size, "font-size": 6, "text-anchor": "middle", fill: k === view.sheetAt ? "#ffffff" : "#12304a" })).textContent = k + 1;
  });
  holder.appendChild(picture);
}
/* One page a hamlet: every roof that carries nothing, whose it is, and why. */
function answerSheet() {
  var holder = box("answers"), by = new Map();
  for (var i = 0; i < view.roofs.count; i++) {
    if (!view.kept[i] || tables.roofs.modules[i] > 0) { continue; }
    var name = textAt(tables.roofs.hamlet, i) || data.name;
    if (!by.has(name)) { by.set(name, []); }
    by.get(name).push(i);
  }
  by.forEach(function (roofs, name) {
    var page = element("section"), table_ = element("table", null, { "class": "grid" }), head = element("tr");
    page.appendChild(element("h2", data.name + " · " + name + " · " + text("answer_sheet") + " (" + number(roofs.length, 0) + ")"));
    var heads = ["household_id"].concat(data.personal ? [data.personal.name] : []).concat(["building_id", "area_m2", "reason"]);
    heads.forEach(function (key) { head.appendChild(element("th", key === "reason" ? text(key) : headWords(key), { scope: "col" })); });
    table_.appendChild(head);
    roofs.forEach(function (r) {
      var line = element("tr");
      heads.forEach(function (key) { line.appendChild(element("td", key === "area_m2" ? shown(key, tables.roofs.area_m2[r]) : key === "reason" ? answerOf(r) : roofValue(key, r))); });
      table_.appendChild(line);
    });
    page.appendChild(table_);
    page.appendChild(element("p", text("printed_on") + text("colon") + new Date().toLocaleDateString(style().html) + " · " + situation() + " · " + data.sources[state.language], { "class": "small" }));
    holder.appendChild(page);
  });
  document.body.classList.add("answering");
  window.print();
}
/* Why this roof carries nothing; who has modules on another roof is told so. */
function answerOf(r) {
  var elsewhere = new Set();
  homesOf(r).forEach(function (h) { view.roofsOfHome(h).forEach(function (i) { if (tables.roofs.modules[i] > 0) { elsewhere.add(i); } }); });
  var said = whyNot(r) || text("reason_unknown");
  if (!elsewhere.size) { return said; }
  return said + style().parts + filled("answer_other", { roofs: Array.from(elsewhere, function (i) { return textAt(tables.roofs.building_id, i) + " " + shown("capacity_kwp", tables.roofs.capacity_kwp[i]); }).join(style().list) });
}
/* Text in lines no wider than there is room. */
function wrapped(pen, said, wide) {
  var out = [""];
  said.split("").forEach(function (letter) {
    if (pen.measureText(out[out.length - 1] + letter).width > wide) { out.push(""); }
    out[out.length - 1] += letter;
  });
  return out;
}
/* The map as it is seen, with title, legend, north, scale and sources, as a PNG. */
function pictureOf() {
  var size = map.getSize(), ratio = 2, side = 330, foot = 110, canvas = element("canvas"), pen, y;
  canvas.width = (size.x + side) * ratio; canvas.height = (size.y + foot + 44) * ratio;
  pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.fillStyle = "#ffffff"; pen.fillRect(0, 0, size.x + side, size.y + foot + 44);
  pen.fillStyle = "#12304a"; pen.font = "600 20px system-ui, 'Noto Sans SC', sans-serif"; pen.fillText(data.name, 12, 29);
  pen.save(); pen.beginPath(); pen.rect(0, 44, size.x, size.y); pen.clip();
  pen.fillStyle = "#fafaf7"; pen.fillRect(0, 44, size.x, size.y);
  var frame_ = map.getContainer().getBoundingClientRect();
  map.getContainer().querySelectorAll("img.relief, img.leaflet-tile, canvas.roofs").forEach(function (part) {
    var b = part.getBoundingClientRect();
    pen.globalAlpha = part.tagName === "IMG" ? 0.9 : 1;
    pen.drawImage(part, b.left - frame_.left, b.top - frame_.top + 44, b.width, b.height);
  });
  pen.restore();
  pen.fillStyle = "#12304a"; pen.font = "600 15px system-ui, 'Noto Sans SC', sans-serif"; pen.fillText(document.getElementById("legend-head").textContent, size.x + 14, 66); y = 90;
  document.querySelectorAll("#legend > h3, #legend > div").forEach(function (line) {
    pen.fillStyle = "#16202b"; pen.font = "14px system-ui, 'Noto Sans SC', sans-serif";
    var mark = line.querySelector("rect"), said = line.querySelectorAll("span");
    if (mark) { pen.fillStyle = mark.getAttribute("fill"); pen.fillRect(size.x + 14, y - 12, 26, 15); pen.strokeStyle = "#5b6670"; pen.strokeRect(size.x + 14, y - 12, 26, 15); pen.fillStyle = "#16202b"; pen.fillText(said[1].textContent, size.x + 48, y); pen.textAlign = "right"; pen.fillText(said[2].textContent, size.x + side - 14, y); pen.textAlign = "left"; }
    else { pen.fillText(line.textContent, size.x + 14, y + 4); }
    y += 23;
  });
  var per = metresPerPixel(map.getCenter().lat, map.getZoom()), long = roundStep(per * 60);
  pen.strokeStyle = "#16202b"; pen.lineWidth = 2; pen.strokeRect(size.x + 14, 44 + size.y - 20, long / per, 6); pen.fillStyle = "#16202b"; pen.fillText(number(long, long < 1 ? 1 : 0) + " m", size.x + 14, 44 + size.y - 26);
  pen.beginPath(); pen.moveTo(size.x + side - 30, 44 + size.y - 50); pen.lineTo(size.x + side - 22, 44 + size.y - 20); pen.lineTo(size.x + side - 30, 44 + size.y - 26); pen.lineTo(size.x + side - 38, 44 + size.y - 20); pen.closePath(); pen.fill();
  pen.fillText("N", size.x + side - 35, 44 + size.y - 6);
  pen.font = "12px system-ui, 'Noto Sans SC', sans-serif"; pen.fillStyle = "#3f4b57";
  wrapped(pen, situation() + " · " + text("printed_on") + text("colon") + new Date().toLocaleDateString(style().html) + " · " + data.sources[state.language], size.x + side - 24).slice(0, 5)
    .forEach(function (said, n) { pen.fillText(said, 12, 44 + size.y + 22 + 18 * n); });
  return canvas;
}
function savePicture() {
  try { pictureOf().toBlob(function (blob) { saveBlob(blob, ".png"); }); }
  // Tiles of a basemap may not be copied out of the page.
  catch (error) { say(text("picture_not")); document.getElementById("print-note").textContent = text("picture_not"); }
}
