/* The roof layer and the page around it. Everything that came from data is written with textContent
   or setAttribute: nothing in it can become markup. */
(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("pvplanner-data").textContent);
  var map = window[data.map];
  var state = { language: data.language, measure: data.measures[0].key, chosen: -1 };
  var shapes = [];

  function text(key) {
    var own = data.texts[state.language];
    return Object.prototype.hasOwnProperty.call(own, key) ? own[key] : key;
  }
  function number(value, digits) {
    if (value === null || value === undefined) { return text("unknown"); }
    return value.toLocaleString(state.language === "zh" ? "zh-CN" : "en-US",
      { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }
  function withUnit(value, field) {
    if (value === null || value === undefined) { return text("unknown"); }
    var unit = field.unit[state.language];
    return number(value, field.digits) + (unit ? " " + unit : "");
  }
  function measure() {
    return data.measures.filter(function (m) { return m.key === state.measure; })[0];
  }
  function classOf(value, m) {
    if (value === null) { return -1; }
    var k = 0;
    while (k < m.breaks.length && value >= m.breaks[k]) { k += 1; }
    return k;
  }
  function style(index) {
    var m = measure();
    var k = data.roofs.columns.modules[index] > 0 ? classOf(data.roofs.columns[m.key][index], m) : -1;
    var chosen = index === state.chosen;
    return {
      fillColor: k < 0 ? data.empty : m.colours[k],
      fillOpacity: k < 0 ? 0.75 : 0.95,
      color: chosen ? "#d0006f" : "#2b3640",
      weight: chosen ? 4 : 1
    };
  }
  function decode(rings) {
    return rings.map(function (ring) {
      var x = data.origin[0], y = data.origin[1], out = [];
      for (var i = 0; i < ring.length; i += 2) {
        x += ring[i]; y += ring[i + 1];
        out.push([y / 1e7, x / 1e7]);
      }
      return out;
    });
  }
  function element(tag, content, attributes) {
    var node = document.createElement(tag);
    if (content !== undefined && content !== null) { node.textContent = content; }
    Object.keys(attributes || {}).forEach(function (name) { node.setAttribute(name, attributes[name]); });
    return node;
  }
  function row(table, head, value) {
    var line = element("tr");
    line.appendChild(element("th", head, { scope: "row" }));
    line.appendChild(element("td", value));
    table.appendChild(line);
  }

  function draw() {
    data.roofs.ids.forEach(function (id, index) {
      var polygons = data.roofs.shapes[index].map(decode);
      var shape = L.polygon(polygons, style(index));
      shape.addTo(map);
      shape.on("click", function (event) { L.DomEvent.stopPropagation(event); choose(index); });
      var path = shape.getElement();
      path.setAttribute("data-building-id", id);
      path.setAttribute("tabindex", "0");
      path.setAttribute("role", "button");
      path.setAttribute("aria-label", id);
      path.addEventListener("keydown", function (event) {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(index); }
      });
      shapes.push(shape);
    });
  }
  function paint() { shapes.forEach(function (shape, index) { shape.setStyle(style(index)); }); }

  function choose(index) {
    state.chosen = index;
    paint();
    if (index >= 0) { shapes[index].bringToFront(); }
    card();
  }
  function card() {
    var box = document.getElementById("card");
    box.replaceChildren();
    box.hidden = state.chosen < 0;
    if (state.chosen < 0) { return; }
    var close = element("button", text("close"), { type: "button", "class": "close" });
    close.addEventListener("click", function () { choose(-1); });
    box.appendChild(close);
    box.appendChild(element("h2", text("building_id") + " " + data.roofs.ids[state.chosen]));
    var table = element("table");
    data.card.forEach(function (field) {
      var value = data.roofs.columns[field.key][state.chosen];
      if (value === null && field.optional) { return; }
      var shown = field.kind === "text"
        ? (value === null ? text("unknown") : value)
        : field.kind === "word" ? words(value) : withUnit(value, field);
      row(table, text(field.key), shown);
    });
    box.appendChild(table);
    var owners = data.roofs.owners[state.chosen];
    if (owners.length) {
      box.appendChild(element("h2", text("owners")));
      owners.forEach(function (owner) { box.appendChild(ownerTable(owner)); });
    }
    document.getElementById("side").scrollTop = 0;
  }
  function words(value) {
    if (value === null) { return text("unknown"); }
    var parts = value.split(":");
    return text(parts[0]) + (parts.length > 1 ? " " + parts.slice(1).join(":") : "");
  }
  function ownerTable(owner) {
    var table = element("table");
    data.owner.forEach(function (field) {
      var value = owner[field.key];
      if (value === null || value === undefined) { return; }
      var shown = field.kind === "word" ? words(value)
        : field.kind === "text" ? value : withUnit(value, field);
      row(table, text(field.key), shown);
    });
    return table;
  }
  function legend() {
    var m = measure(), box = document.getElementById("legend");
    box.replaceChildren();
    box.appendChild(element("h2", text("legend") + text("colon") + text(m.key)
      + (m.unit[state.language] ? " (" + m.unit[state.language] + ")" : "")));
    m.colours.forEach(function (colour, k) {
      var line = element("div"), swatch = element("span", "", { "class": "swatch" });
      swatch.style.background = colour;
      line.appendChild(swatch);
      var low = k === 0 ? null : m.breaks[k - 1], high = k === m.breaks.length ? null : m.breaks[k];
      var words = low === null ? "< " + number(high, m.legend) : high === null ? "≥ " + number(low, m.legend)
        : number(low, m.legend) + " – " + number(high, m.legend);
      if (m.breaks.length === 0) { words = number(m.only, m.legend); }
      if (k === 0) { words += " · " + text(m.low); }
      if (k === m.colours.length - 1 && k > 0) { words += " · " + text(m.high); }
      line.appendChild(element("span", words));
      box.appendChild(line);
    });
    var none = element("div"), grey = element("span", "", { "class": "swatch" });
    grey.style.background = data.empty;
    none.appendChild(grey);
    none.appendChild(element("span", text("no_modules")));
    box.appendChild(none);
  }
  function totals() {
    var box = document.getElementById("totals");
    box.replaceChildren(element("h2", text("totals")));
    var table = element("table");
    data.totals.forEach(function (field) { row(table, text(field.key), withUnit(field.value, field)); });
    box.appendChild(table);
  }
  function frame() {
    document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
    document.title = data.name + " – " + text("page_title");
    document.getElementById("title").textContent = data.name;
    document.getElementById("notes").textContent = data.notes.map(text).join(" · ");
    document.getElementById("edition").textContent = text(data.edition) + " · " + text("click_hint");
    document.getElementById("sources").textContent = data.sources[state.language];
    document.getElementById("missing").textContent = data.missing.length
      ? text("not_offered") + text("colon") + data.missing.map(text).join(", ") : "";
    var layers = document.getElementById("layers");
    layers.replaceChildren(element("span", text("measure")));
    data.measures.forEach(function (m) {
      var button = element("button", text(m.key),
        { type: "button", "data-layer": m.key, "aria-pressed": String(m.key === state.measure) });
      button.addEventListener("click", function () { state.measure = m.key; paint(); frame(); legend(); refocus("data-layer", m.key); });
      layers.appendChild(button);
    });
    var languages = document.getElementById("languages");
    languages.replaceChildren();
    ["zh", "en"].forEach(function (code) {
      var button = element("button", data.texts[code].language_own,
        { type: "button", "data-language": code, lang: code === "zh" ? "zh-CN" : "en",
          "aria-pressed": String(code === state.language) });
      button.addEventListener("click", function () { state.language = code; all(); refocus("data-language", code); });
      languages.appendChild(button);
    });
  }
  function refocus(name, value) {
    var again = document.querySelector("[" + name + '="' + value + '"]');
    if (again) { again.focus(); }
  }
  function all() { frame(); legend(); totals(); card(); }

  map.attributionControl.setPrefix(false);
  L.control.scale({ imperial: false }).addTo(map);
  draw();
  all();
  map.invalidateSize();
  map.fitBounds(L.featureGroup(shapes).getBounds(), { padding: [12, 12], animate: false });
  map.on("click", function () { choose(-1); });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && state.chosen >= 0) {
      var path = shapes[state.chosen].getElement();
      choose(-1);
      path.focus();
    }
  });
  // For scripts and tests: the same actions as the page offers.
  window.pvplanner = { data: data, state: state, choose: function (id) { choose(data.roofs.ids.indexOf(id)); } };
  document.documentElement.setAttribute("data-ready", "true");
}());
