/* The page: what stands where, what a click does, and the first drawing. */
var map = window[data.map], layer = null, hit = null;

function frame() {
  document.documentElement.lang = style().html;
  document.title = data.name + " – " + text("page_title");
  document.getElementById("title").textContent = data.name;
  document.getElementById("notes").textContent = data.notes.map(text).concat(data.doubts[state.language].length ? [text("reading_doubts") + text("colon") + data.doubts[state.language].length] : []).join(" · ");
  doubtList();
  document.getElementById("edition").textContent = text(data.edition) + " · " + text("click_hint");
  document.getElementById("sources").textContent = data.sources[state.language];
  document.getElementById("print-sources").textContent = data.sources[state.language];
  document.getElementById("missing").textContent = data.missing.length ? text("not_offered") + text("colon") + data.missing.map(text).join(style().list) : "";
  document.querySelectorAll("[data-text]").forEach(function (node) { node.textContent = text(node.getAttribute("data-text")); });
  map.getContainer().setAttribute("aria-label", text("map_label"));
  zoomWords();
  options("measure", data.measures.map(function (m) { return [m.key, text(m.key)]; }), state.measure);
  var own = data.models.filter(isUsed).map(text).join(style().list);
  document.getElementById("model").title = text("as_planned") + text("colon") + own;
  document.getElementById("search").placeholder = text("search_hint");
  var models = data.models.filter(function (m) {
    return engines.some(function (own) { return Object.values(own.allowed).some(function (a) { return a.indexOf(m) >= 0; }); }) && isLive(m);
  });
  options("model", [["plan", text("as_planned")]].concat(models.map(function (m) { return [m, text(m)]; })), state.model);
  var languages = box("languages");
  languages.setAttribute("aria-label", data.languages.map(function (code) { return data.style[code].name; }).join(" / "));
  data.languages.forEach(function (code) {
    languages.appendChild(button(data.style[code].name, function () {
      state.language = code; all(); document.querySelector('[data-language="' + code + '"]').focus();
    }, { "data-language": code, lang: data.style[code].html, "aria-pressed": String(code === state.language) }));
  });
  var compare = document.getElementById("compare-box");
  compare.hidden = data.compare === null;
  if (data.compare !== null) { document.getElementById("compare-name").textContent = text("compare_with") + " " + data.compare; }
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
  var node = document.getElementById(id);
  node.replaceChildren();
  pairs.forEach(function (pair) { node.appendChild(element("option", pair[1], { value: pair[0] })); });
  node.value = value;
}
/* Numbers changed: everything that shows them follows. */
function update() {
  recompute();
  repaint();
  card();
  sortHomes();
  tableRows();
}
function repaint() { classify(); layer.draw(); legend(); totals(); }
function all() { frame(); contents(); }
function contents() { classify(); layer.draw(); threeTotals(); legend(); totals(); card(); drawers(); list(); table(); }
/* What is folded away is made when it is opened. */
function drawers() {
  if (document.getElementById("what-if").open) { sliders(); }
  if (document.getElementById("filter-box").open) { filters(); }
}

function choose(i, go) {
  state.chosen = i;
  document.getElementById("found").hidden = true;
  if (i >= 0 && go) { goTo(i); }
  layer.mark();
  card();
  followTable();
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
  holder.appendChild(element("h2", filled("said_found", { count: found.length })));
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
  if (known(value)) { said += " · " + (state.compare ? text("difference") + " " + (value > 0 ? "+" : "") : "") + shown(state.measure, value); }
  if (view.panels) {
    for (var p = view.planeStart[i]; p < view.planeStart[i + 1]; p++) {
      if (!inside(view.planes, p, at[0], at[1])) { continue; }
      said += " · " + filled("plane_hover", { tilt: number(leaning("surface_tilt", p), 0), azimuth: number(leaning("surface_azimuth", p), 0), modules: number(tables.planes.modules[p], 0) });
      break;
    }
  }
  tip.textContent = said;
  var point = map.mouseEventToContainerPoint(event.originalEvent), place = map.getContainer().getBoundingClientRect();
  tip.style.left = Math.min(point.x + place.left + 14, window.innerWidth - 240) + "px";
  tip.style.top = point.y + place.top + 14 + "px";
}

function preparePlanes() {
  var planes = tables.planes;
  if (!data.panels || !planes) { return; }
  view.planes = placed(planes, data.panels.origin, data.panels.unit, view.zero);
  view.planeStart = starts(tables.roofs.planes);
  view.moduleStart = starts(planes.modules);
  var count = view.planes.count, step = data.panels.module_unit, modules = tables.modules, total = modules.x.length, n;
  view.corner = new Float64Array(2 * total); view.side = new Float64Array(4 * count);
  var x = 0, y = 0, lat0 = 0;
  for (n = 0; n < total; n++) {
    x += modules.x[n]; y += modules.y[n];
    view.corner[2 * n] = worldX(x * step) - view.zero[0]; view.corner[2 * n + 1] = worldY(y * step) - view.zero[1];
    lat0 = y * step;
  }
  var east = 256 / 360 * step, north = -(256 / 360) * step / Math.cos(lat0 * Math.PI / 180);
  view.module = 0;
  for (n = 0; n < count; n++) {
    view.side[4 * n] = planes.ux[n] * east; view.side[4 * n + 1] = planes.uy[n] * north;
    view.side[4 * n + 2] = planes.vx[n] * east; view.side[4 * n + 3] = planes.vy[n] * north;
    view.module = Math.max(view.module, Math.hypot(view.side[4 * n], view.side[4 * n + 1]));
  }
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
  (ground.contours || []).forEach(function (c) { view.ground.push({ lines: c.lines.map(lineOf), colour: "rgba(120,98,62,0.45)", width: 0.8, name: number(c.height, c.height % 1 ? 1 : 0) }); });
  var looks = { water: { colour: "#5b9bd5", width: 1.5, fill: "#cfe6f7" }, roads: { colour: "#8d8d8d", width: 2 }, boundary: { colour: "#7a2048", width: 1.6, dash: [8, 5] } };
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
  var roofs = tables.roofs;
  view.zero = [worldX(data.origin[0] * data.unit), worldY(data.origin[1] * data.unit)];
  view.roofs = placed(roofs, data.origin, data.unit, view.zero);
  view.classes = new Uint8Array(view.roofs.count); view.kept = new Uint8Array(view.roofs.count);
  view.linkStart = starts(roofs.links);
  var sizes = 0;
  for (var i = 0; i < view.roofs.count; i++) { sizes += view.roofs.box[4 * i + 2] - view.roofs.box[4 * i]; }
  view.typical = sizes / Math.max(view.roofs.count, 1);
  var homes = tables.households.energy_kwh.length;
  view.roofOfHome = new Int32Array(homes).fill(-1);
  for (i = view.roofs.count - 1; i >= 0; i--) { for (var n = view.linkStart[i]; n < view.linkStart[i + 1]; n++) { view.roofOfHome[tables.links.home[n]] = i; } }
  // Of households with several roofs, the names of all.
  view.roofsOfHome = {};
  for (i = 0; i < view.roofs.count; i++) {
    for (n = view.linkStart[i]; n < view.linkStart[i + 1]; n++) {
      var own = tables.links.home[n], first = view.roofOfHome[own];
      if (first !== i) { view.roofsOfHome[own] = (view.roofsOfHome[own] || textAt(tables.roofs.building_id, first)) + "; " + textAt(tables.roofs.building_id, i); }
    }
  }
  view.ledger = tables.households.own.indexOf(0) >= 0;
  hit = gridOf(view.roofs);
}
function wire() {
  function on(id, event, act) { document.getElementById(id).addEventListener(event, act); }
  on("measure", "change", function (e) {
    state.measure = e.target.value;
    var can = data.compared.indexOf(state.measure) >= 0;
    state.compare = can && Boolean(state.wish);
    document.getElementById("compare").checked = state.compare;
    document.getElementById("compare").disabled = !can;
    repaint(); card();
  });
  on("model", "change", function (e) { state.model = e.target.value; notCompared(); update(); });
  on("compare", "change", function (e) {
    state.compare = state.wish = e.target.checked;
    // Both scenarios as they were planned: what is tried here would only be in one of them.
    if (state.compare && changed()) { state.model = "plan"; state.settings = {}; frame(); sliders(); recompute(); tableRows(); }
    repaint(); card();
  });
  on("search-form", "submit", function (e) { e.preventDefault(); search(document.getElementById("search").value); });
  on("show-table", "click", function () {
    var closed = document.body.classList.toggle("no-table");
    document.getElementById("show-table").setAttribute("aria-expanded", String(!closed));
    map.invalidateSize({ animate: false }); tableRows();
  });
  on("what-if", "toggle", drawers);
  on("filter-box", "toggle", drawers);
  on("print", "click", function () { window.print(); });
  on("paper", "change", paper);
  map.on("click", function (event) { var at = worldAt(event); choose(hit(at[0], at[1])); });
  map.on("mousemove", hover);
  map.on("mouseout", function () { document.getElementById("hover").hidden = true; });
  map.on("moveend", function () { totals(); });
  document.addEventListener("keydown", function (event) { if (event.key === "Escape" && state.chosen >= 0) { choose(-1); } });
  window.addEventListener("beforeprint", function () { printing(true); });
  window.addEventListener("afterprint", function () { printing(false); });
}
function paper() {
  var size = document.getElementById("paper").value, sheet = document.styleSheets[document.styleSheets.length - 1];
  /* A rule of its own sheet: the page's policy lets no style in that was not there. */
  if (view.page !== undefined) { sheet.deleteRule(view.page); }
  view.page = sheet.insertRule("@page { size: " + size + " landscape; margin: 10mm; }", sheet.cssRules.length);
  document.body.setAttribute("data-paper", size);
}
/* On paper the map has the size of the sheet, so it is drawn again for it. */
function printing(on) {
  if (on === view.printing) { return; }
  if (on) {
    view.before = map.getBounds();
    var whole = L.latLngBounds([data.bounds[1], data.bounds[0]], [data.bounds[3], data.bounds[2]]);
    view.sheet = view.before.contains(whole) ? whole : view.before;
  }
  view.printing = on;
  document.body.classList.toggle("printing", on);
  document.getElementById("print-date").textContent = text("printed_on") + text("colon") + new Date().toLocaleDateString(style().html);
  map.invalidateSize({ animate: false });
  map.fitBounds(on ? view.sheet : view.before, { animate: false });
  layer.draw(); totals();
}

// The bar stands before the map, for eyes and for the keyboard.
document.body.prepend(document.querySelector(".skip"), document.getElementById("bar"));
map.attributionControl.setPrefix(false);
inflated(packedBytes(), function (bytes) {
  tables = unpacked(bytes);
  prepare();
  preparePlanes();
  L.control.scale({ imperial: false }).addTo(map);
  prepareGround();
  recompute();
  frame();
  map.invalidateSize({ animate: false });
  if (view.roofs.count) { map.fitBounds([[data.bounds[1], data.bounds[0]], [data.bounds[3], data.bounds[2]]], { padding: [12, 12], animate: false }); }
  classify();
  layer = new RoofCanvas(view.roofs);
  layer.addTo(map);
  paper();
  wire();
  threeTotals(); legend(); totals(); card(); list(); table();
  // For scripts and tests: the same actions as the page offers.
  window.pvplanner = {
    data: data, state: state, view: view, map: map, tables: tables,
    choose: function (id) { for (var i = 0; i < view.roofs.count; i++) { if (textAt(tables.roofs.building_id, i) === id) { choose(i, true); return i; } } return -1; },
    reckon: function (model, settings) { return reckon(tables.households, model, settings); }, rules: rules, number: number,
    counted: counted, sums: sums, totals: function () { return totalsNow(counted()); }, csv: csvText, redraw: function () { classify(); layer.draw(); }, printing: printing, update: update
  };
  document.documentElement.setAttribute("data-ready", "true");
});
