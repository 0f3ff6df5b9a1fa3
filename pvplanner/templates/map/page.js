/* The page: what stands where, what a click does, and the first drawing. */
var map = window[data.map], layer = null, hit = null;

function frame() {
  document.documentElement.lang = style().html;
  document.title = data.name + " – " + text("page_title");
  document.getElementById("title").textContent = data.name;
  document.getElementById("title").title = data.name;
  document.getElementById("notes").textContent = data.notes.map(text).concat(data.doubts[state.language].length ? [text("reading_doubts") + text("colon") + data.doubts[state.language].length] : []).join(" · ");
  doubtList();
  document.getElementById("edition").textContent = text(data.edition) + " · " + text("click_hint");
  document.getElementById("sources").textContent = data.sources[state.language];
  document.getElementById("print-sources").textContent = data.sources[state.language];
  document.getElementById("missing").textContent = data.missing.length ? text("not_offered") + text("colon") + data.missing.map(text).join(style().list) : "";
  document.querySelectorAll("[data-text]").forEach(function (node) { node.textContent = text(node.getAttribute("data-text")); });
  document.querySelectorAll("[data-label]").forEach(function (node) { node.setAttribute("aria-label", text(node.getAttribute("data-label"))); node.title = text(node.getAttribute("data-label")); });
  map.getContainer().setAttribute("aria-label", text("map_label"));
  zoomWords();
  options("measure", data.measures.map(function (m) { return [m.key, text(m.key)]; }), state.measure);
  document.getElementById("model").title = text("as_planned") + text("colon") + data.models.filter(isUsed).map(text).join(style().list);
  document.getElementById("search").placeholder = text("search_hint");
  options("model", [["plan", text("as_planned")]].concat(modelsOffered().map(function (m) { return [m, text(m)]; })), state.model);
  var languages = box("languages");
  languages.setAttribute("aria-label", data.languages.map(function (code) { return data.style[code].name; }).join(" / "));
  data.languages.forEach(function (code) {
    languages.appendChild(button(data.style[code].name, function () {
      state.language = code; all(); remember(true); document.querySelector('[data-language="' + code + '"]').focus();
    }, { "data-language": code, lang: data.style[code].html, "aria-pressed": String(code === state.language) }));
  });
  compareTabs();
  filterCount();
  paperBox();
  outlierButtons();
}
function modelsOffered() {
  return data.models.filter(function (m) {
    return engines.some(function (own) { return Object.keys(own.allowed).some(function (kind) { return own.allowed[kind].indexOf(m) >= 0; }); }) && isLive(m);
  });
}
/* This plan, and each other plan or price case that it can be held against. */
function compareTabs() {
  var holder = box("compare-box");
  holder.hidden = !data.others.length;
  if (!data.others.length) { return; }
  holder.appendChild(element("span", text("compare_with"), { "class": "label" }));
  [{ name: data.name }].concat(data.others).forEach(function (told, n) {
    var said = told["case"] ? text("case_" + told["case"]) : told.name;
    holder.appendChild(button(said, function () { compareWith(n - 1); remember(true); }, { "data-other": n - 1, title: said, "aria-pressed": String(state.other === n - 1) }));
    if (told["case"]) { told.name = text("case_" + told["case"]); }
  });
}
function compareWith(n) {
  state.other = n;
  // Both as they were planned: what is tried here would only be in one of them.
  if (n >= 0 && changed()) { state.model = "plan"; state.settings = {}; state["case"] = ""; }
  if (n >= 0 && other().compared.indexOf(state.measure) < 0) { state.measure = data.measures.map(function (m) { return m.key; }).filter(function (key) { return other().compared.indexOf(key) >= 0; })[0] || state.measure; }
  recompute(); all();
}
/* What the map stands on that somebody should look at first. */
function doubtList() {
  var told = data.doubts[state.language], section = box("doubts");
  section.hidden = !told.length;
  if (!told.length) { return; }
  var more = element("details", null, { open: "" }), list = element("ul");
  more.appendChild(element("summary", text("reading_doubts") + " (" + told.length + ")"));
  told.forEach(function (line) { list.appendChild(element("li", line)); });
  more.appendChild(list); section.appendChild(more);
}
function zoomWords() {
  [["in", "zoom_in"], ["out", "zoom_out"]].forEach(function (pair) {
    var node = document.querySelector(".leaflet-control-zoom-" + pair[0]);
    if (node) { node.title = text(pair[1]); node.setAttribute("aria-label", text(pair[1])); }
  });
}
function options(id, pairs, value) {
  var node = box(id);
  pairs.forEach(function (pair) { node.appendChild(element("option", pair[1], { value: pair[0] })); });
  node.value = value;
}
/* Numbers changed: everything that shows them follows. */
function update() {
  recompute();
  repaint();
  card();
  sortRows();
  tableRows();
  list();
}
function repaint() { classify(); layer.draw(); legend(); totals(); layerTables(); }
function all() { frame(); contents(); }
function contents() { classify(); layer.draw(); threeTotals(); legend(); totals(); card(); drawers(); list(); table(); }
/* What is folded away is made when it is opened. */
function drawers() {
  if (document.getElementById("what-if").open) { sliders(); }
  if (document.getElementById("filter-box").open) { filters(); }
}

function choose(i, go) {
  state.chosen = i;
  document.body.classList.toggle("chosen", i >= 0);
  document.getElementById("found").hidden = true;
  if (i >= 0 && go) { goTo(i); }
  layer.mark();
  card();
  followTable();
  remember(true);
  if (i >= 0) { say(text("building_id") + " " + textAt(tables.roofs.building_id, i)); }
}
function latLngOf(x, y) { return map.unproject(L.point(x + view.zero[0], y + view.zero[1]), 0); }
function goTo(i) {
  var b = view.roofs.box, corner = L.latLngBounds(latLngOf(b[4 * i], b[4 * i + 1]), latLngOf(b[4 * i + 2], b[4 * i + 3]));
  if (map.getZoom() < 18 || !map.getBounds().contains(corner)) { map.setView(corner.getCenter(), Math.max(map.getZoom(), 18.5), { animate: false }); }
}
/* Roofs whose building, household or name holds some words, as ``plain`` reads them. */
function matches(sought, plain) {
  var found = [];
  function tryAt(roof, name) {
    var own = roof >= 0 && name ? plain(name) : "";
    if (own.indexOf(sought) >= 0) { found.push([roof, name, own === sought]); }
  }
  for (var i = 0; i < view.roofs.count && found.length < 500; i++) { tryAt(i, textAt(tables.roofs.building_id, i)); }
  for (var h = 0; h < view.roofOfHome.length && found.length < 1000; h++) {
    tryAt(view.roofOfHome[h], textAt(tables.households.household_id, h));
    if (data.personal) { tryAt(view.roofOfHome[h], textAt(tables.households[data.personal.name], h)); }
  }
  return found;
}
function search(said) {
  function low(words_) { return words_.trim().toLowerCase(); }
  // h46 finds H046: zeros before a number need not be typed.
  function bare(words_) { return low(words_).replace(/(^|[^0-9])0+(?=[0-9])/g, "$1"); }
  var holder = box("found"), found;
  holder.hidden = low(said) === "";
  if (low(said) === "") { return; }
  document.getElementById("side").scrollTop = 0;
  var named = view.hamletNames.filter(function (name) { return name && low(name) === low(said); })[0];
  if (named) { holder.hidden = true; setFilter("hamlet", { kind: "word", key: "hamlet", value: named }); filters(); showKept(); return; }
  found = matches(low(said), low);
  if (!found.length) { found = matches(bare(said), bare); }
  found.sort(function (a, b) { return b[2] - a[2]; });
  if (found.length === 1 || (found.length && found[0][2])) {
    choose(found[0][0], true);
    var head = document.getElementById("card-head");
    if (head) { head.focus(); }
    return;
  }
  say(filled("said_found", { count: found.length }));
  holder.appendChild(element("h2", filled("said_found", { count: found.length }) + (found.length > 30 ? style().list + filled("found_more", { shown: 30 }) : "")));
  found.slice(0, 30).forEach(function (hit_) { holder.appendChild(button(hit_[1], function () { choose(hit_[0], true); })); });
}

function hover(event) {
  var tip = document.getElementById("hover"), at = worldAt(event), i = hit(at[0], at[1]);
  map.getContainer().style.cursor = i >= 0 ? "pointer" : "";
  tip.hidden = i < 0;
  if (i < 0) { return; }
  var said = textAt(tables.roofs.building_id, i), value = view.values ? view.values[i] : NaN;
  var node = nodeOf(i);
  if (node) { said += " · " + node.id; }
  var reason = tables.roofs.modules[i] > 0 ? "" : whyNot(i);
  if (reason) { said += " · " + reason; }
  if (known(value) && !reason) { said += " · " + (differs(state.measure) ? text("difference") + " " + (value > 0 ? "+" : "") : "") + shown(state.measure, value); }
  if (view.panels) {
    for (var p = view.planeStart[i]; p < view.planeStart[i + 1]; p++) {
      if (!inside(view.planes, p, at[0], at[1])) { continue; }
      said += " · " + filled("plane_hover", { tilt: number(leaning("surface_tilt", p), 0), azimuth: number(leaning("surface_azimuth", p), 0), modules: number(view.modulesOf[p], 0) });
      break;
    }
  }
  tip.textContent = said;
  var point = map.mouseEventToContainerPoint(event.originalEvent), place = map.getContainer().getBoundingClientRect();
  tip.style.left = Math.min(point.x + place.left + 14, window.innerWidth - 240) + "px";
  tip.style.top = point.y + place.top + 14 + "px";
}

/* Planes and modules are placed when they are first seen: of a county that is late, or never. */
function havePlanes() {
  if (view.planes || !data.panels || !tables.planes) { return Boolean(view.planes); }
  view.planeStart = starts(tables.roofs.planes);
  view.planes = planeShapes(tables.planes, view.planeStart, data.panels.unit);
  placeModules(tables.planes, view.planeStart);
  return true;
}
/* A module's long side in the world's pixels, before any is placed. */
function moduleSize() { return data.panels ? data.panels.sides[1] * 256 / 360 / metresPerDegree((data.bounds[1] + data.bounds[3]) / 2)[0] : 0; }
function boxOf(lines) {
  var out = [Infinity, Infinity, -Infinity, -Infinity];
  lines.forEach(function (line) {
    for (var i = 0; i < line.length; i += 2) {
      out[0] = Math.min(out[0], line[i]); out[1] = Math.min(out[1], line[i + 1]); out[2] = Math.max(out[2], line[i]); out[3] = Math.max(out[3], line[i + 1]);
    }
  });
  return out;
}
function prepareGround() {
  var ground = data.ground || {};
  function lineOf(steps) {
    var out = new Float64Array(steps.length), x = 0, y = 0;
    for (var i = 0; i < steps.length; i += 2) { x += steps[i]; y += steps[i + 1]; out[i] = worldX(x / 1e6) - view.zero[0]; out[i + 1] = worldY(y / 1e6) - view.zero[1]; }
    return out;
  }
  (ground.relief || []).forEach(function (p) {
    L.imageOverlay(p.image, [[p.bounds[0], p.bounds[1]], [p.bounds[2], p.bounds[3]]], { interactive: false, alt: "", className: "relief" }).addTo(map);
  });
  (ground.contours || []).forEach(function (c) { var lines = c.lines.map(lineOf); view.ground.push({ lines: lines, box: boxOf(lines), height: c.height, colour: "rgba(120,98,62,0.45)", width: 0.8, name: number(c.height, c.height % 1 ? 1 : 0) }); });
  var looks = { water: { colour: "#5b9bd5", width: 1.5, fill: "#cfe6f7" }, roads: { colour: "#a8a29a", width: 3 }, boundary: { colour: "#7a2048", width: 1.6, dash: [8, 5] } };
  ["water", "roads", "boundary"].forEach(function (name) {
    (ground.layers && ground.layers[name] || []).forEach(function (thing) {
      view.ground.push(Object.assign({ lines: thing.rings.map(lineOf) }, looks[name], thing.closed && name === "water" ? {} : { fill: null }));
    });
  });
  if (data.tiles) {
    data.tiles.urls.forEach(function (url) { L.tileLayer(url, { maxNativeZoom: data.tiles.zoom, maxZoom: 22 }).addTo(map); });
    map.attributionControl.addAttribution(text(data.tiles.credit));
  }
}
function prepare() {
  var roofs = tables.roofs, i, n;
  view.zero = [worldX(data.origin[0] * data.unit), worldY(data.origin[1] * data.unit)];
  view.roofs = placed(roofs, data.origin, data.unit, view.zero);
  view.classes = new Uint8Array(view.roofs.count); view.own = new Uint8Array(view.roofs.count); view.kept = new Uint8Array(view.roofs.count);
  view.open = {};
  view.linkStart = starts(roofs.links);
  var sizes = 0;
  for (i = 0; i < view.roofs.count; i++) { sizes += view.roofs.box[4 * i + 2] - view.roofs.box[4 * i]; }
  view.typical = sizes / Math.max(view.roofs.count, 1);
  prepareHomes();
  view.ledger = tables.households.own.indexOf(0) >= 0;
  view.someHalls = Boolean(roofs.hall) && roofs.hall.indexOf(1) >= 0;
  view.home = [[data.home[1], data.home[0]], [data.home[3], data.home[2]]];
  view.reasons = namesOf(roofs.status_reason).filter(function (said) { return said !== ""; });
  prepareHamlets();
  hit = gridOf(view.roofs);
}
/* Households' roofs: the links the other way round. */
function prepareHomes() {
  var homes = tables.households.energy_kwh.length, links = tables.links.home, i, n;
  view.homeStart = new Uint32Array(homes + 1);
  for (n = 0; n < links.length; n++) { view.homeStart[links[n] + 1] += 1; }
  for (i = 0; i < homes; i++) { view.homeStart[i + 1] += view.homeStart[i]; }
  view.homeRoof = new Uint32Array(links.length);
  var next = view.homeStart.slice();
  for (i = 0; i < view.roofs.count; i++) { for (n = view.linkStart[i]; n < view.linkStart[i + 1]; n++) { view.homeRoof[next[links[n]]++] = i; } }
  view.roofOfHome = new Int32Array(homes).fill(-1);
  for (i = 0; i < homes; i++) { if (view.homeStart[i + 1] > view.homeStart[i]) { view.roofOfHome[i] = view.homeRoof[view.homeStart[i]]; } }
  view.roofsOfHome = function (h) { return Array.from(view.homeRoof.subarray(view.homeStart[h], view.homeStart[h + 1])); };
}
/* Where each hamlet lies: its name's place and the hull of its roofs. */
function prepareHamlets() {
  var by = new Map(), column = tables.roofs.hamlet;
  for (var i = 0; column && i < view.roofs.count; i++) { var name = textAt(column, i); if (!by.has(name)) { by.set(name, []); } by.get(name).push(i); }
  view.hamletNames = Array.from(by.keys());
  view.hamletPlaces = [];
  by.forEach(function (roofs, name) {
    if (!name) { return; }
    var points = [], x = 0, top = Infinity, b = view.roofs.box;
    roofs.forEach(function (r) {
      x += (b[4 * r] + b[4 * r + 2]) / 2; top = Math.min(top, b[4 * r + 1]);
      points.push([b[4 * r], b[4 * r + 1]], [b[4 * r + 2], b[4 * r + 1]], [b[4 * r + 2], b[4 * r + 3]], [b[4 * r], b[4 * r + 3]]);
    });
    view.hamletPlaces.push({ name: name, count: roofs.length, x: x / roofs.length, top: top, points: points });
  });
  view.hamletPlaces.sort(function (a, b) { return b.count - a.count; });
}
/* What lies far off is not in the first view: a sign at the edge leads to it. */
var HOME = { paddingTopLeft: [14, 30], paddingBottomRight: [14, 14], animate: false };
function outlierButtons() {
  var holder = box("outliers");
  data.outliers.forEach(function (far, n) {
    holder.appendChild(button(filled("outlier", { count: number(far.count, 0), km: number(far.km, 1) }), function () {
      map.fitBounds([[far.bounds[1], far.bounds[0]], [far.bounds[3], far.bounds[2]]], { animate: false, maxZoom: 19 });
    }, { "data-outlier": n }));
  });
  placeOutliers();
}
function placeOutliers() {
  var size = map.getSize(), seen = map.getBounds(), middle = [size.x / 2, size.y / 2];
  document.querySelectorAll("#outliers button").forEach(function (node) {
    var far = data.outliers[Number(node.getAttribute("data-outlier"))], at = [(far.bounds[1] + far.bounds[3]) / 2, (far.bounds[0] + far.bounds[2]) / 2];
    node.hidden = seen.contains(at);
    if (node.hidden) { return; }
    var p = map.latLngToContainerPoint(at), dx = p.x - middle[0], dy = p.y - middle[1], part = Math.min(Math.abs((size.x / 2 - 100) / (dx || 1e-9)), Math.abs((size.y / 2 - 26) / (dy || 1e-9)), 1);
    node.style.left = middle[0] + dx * part + "px"; node.style.top = middle[1] + dy * part + "px";
    node.textContent = arrowTo(dx, dy) + " " + filled("outlier", { count: number(far.count, 0), km: number(far.km, 1) });
  });
}
function arrowTo(dx, dy) { return "→↘↓↙←↖↑↗".charAt((Math.round(Math.atan2(dy, dx) / (Math.PI / 4)) + 8) % 8); }
function wire() {
  function on(id, event, act) { document.getElementById(id).addEventListener(event, act); }
  on("measure", "change", function (e) { state.measure = e.target.value; repaint(); card(); sortRows(); tableRows(); remember(true); });
  on("model", "change", function (e) { state.model = e.target.value; state["case"] = ""; notCompared(); update(); drawers(); remember(true); });
  on("search-form", "submit", function (e) { e.preventDefault(); search(document.getElementById("search").value); });
  on("show-table", "click", function () {
    var closed = document.body.classList.toggle("no-table");
    document.getElementById("show-table").setAttribute("aria-expanded", String(!closed));
    map.invalidateSize({ animate: false }); tableRows();
    // On a phone the table lies below all else.
    if (!closed && window.innerWidth <= 860) { document.getElementById("table-box").scrollIntoView(); }
  });
  on("what-if", "toggle", drawers);
  on("filter-box", "toggle", drawers);
  on("print", "click", function () { window.print(); });
  on("paper", "change", paper);
  on("paper-box", "toggle", paperBox);
  on("scale", "change", function (e) { view.scale = Number(e.target.value); view.sheetAt = 0; showSheet(); });
  on("sheet", "change", function (e) { view.sheetAt = Number(e.target.value); showSheet(); });
  on("picture", "click", savePicture);
  map.on("click", function (event) { var at = worldAt(event); if (view.drawing) { areaCorner(at); return; } choose(hit(at[0], at[1])); });
  map.on("dblclick", function () { if (view.drawing) { areaDone(); } });
  map.on("mousemove", hover);
  map.on("mouseout", function () { document.getElementById("hover").hidden = true; });
  map.on("moveend", moved_);
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && view.drawing) { drawArea(false); return; }
    if (event.key === "Enter" && view.drawing && view.drawing.length > 2) { areaDone(); return; }
    if (event.key === "Escape" && state.chosen >= 0) { choose(-1); }
  });
  window.addEventListener("beforeprint", function () { if (!document.body.classList.contains("answering")) { printing(true); } });
  window.addEventListener("afterprint", function () { document.body.classList.remove("answering"); printing(false); });
  window.addEventListener("popstate", followAddress);
  window.addEventListener("hashchange", followAddress);
}
/* The window moved: what hangs on it follows; of very many roofs once it rests. */
var counting = 0;
function moved_() {
  placeOutliers();
  if (view.printing) { return; }
  if (state.filters.some(function (f) { return f.kind === "window"; })) { update(); }
  else if (view.roofs.count < 5000) { totals(); }
  else { clearTimeout(counting); counting = setTimeout(totals, 200); }
  rememberSoon();
}

// The bar stands before the map, for eyes and for the keyboard.
["guard", "bar"].forEach(function (id, n) { document.body.insertBefore(document.getElementById(id), n ? document.querySelector(".folium-map") : document.body.firstChild); });
document.body.insertBefore(document.querySelector(".skip"), document.getElementById("bar"));
map.getContainer().appendChild(document.getElementById("outliers"));
map.attributionControl.setPrefix(false);
inflated(pvplannerPage.bytesOf("pvplanner-body"), function (bytes) {
  readRest(bytes);
  state.language = data.language;
  engines = data.engines; engine = engines[0];
  tables = unpacked(bytes);
  prepare();
  L.control.scale({ imperial: false }).addTo(map);
  prepareGround();
  if (!data.money_packed) { view.planned = liveOf(restMoney()); }
  var at = readAddress(location.hash || document.documentElement.getAttribute("data-view") || "");
  recompute();
  frame();
  map.invalidateSize({ animate: false });
  if (at) { map.setView([at[0], at[1]], at[2], { animate: false }); }
  else if (view.roofs.count) { map.fitBounds(view.home, HOME); }
  layer = new RoofCanvas(view.roofs);
  classify();
  layer.addTo(map);
  wire();
  paper();
  document.body.classList.toggle("chosen", state.chosen >= 0);
  threeTotals(); legend(); totals(); card(); list(); table(); placeOutliers(); followTable();
  // For scripts and tests: the same actions as the page offers.
  window.pvplanner = {
    data: data, state: state, view: view, map: map, tables: tables,
    choose: function (id) { for (var i = 0; i < view.roofs.count; i++) { if (textAt(tables.roofs.building_id, i) === id) { choose(i, true); return i; } } return -1; },
    reckon: function (model, settings) { return reckon(tables.households, model, settings); }, rules: rules, number: number,
    modules: function () { return havePlanes() ? view.corner.length / 2 : 0; }, counted: counted, inWindow: function () { return inWindow(counted()); }, sums: sums, totals: function () { return totalsNow(counted()); }, csv: csvText,
    redraw: function () { classify(); layer.draw(); }, printing: printing, update: update, address: addressNow, valuesOf: valuesOf, classLimits: classLimits, edgeOn: edgeOn, luminance: luminance, capitalBy: function () { return capitalBy(counted(), state.model, state.settings); }
  };
  // It runs: what was said to those where it does not is in no language of the page.
  document.getElementById("guard").textContent = "";
  document.documentElement.setAttribute("data-ready", "true");
});
