/* Words and numbers as people write them. */
function text(key) {
  var own = data.texts[state.language];
  return Object.prototype.hasOwnProperty.call(own, key) ? own[key] : key;
}
function filled(key, values) {
  return text(key).replace(/\{(\w+)\}/g, function (all, name) { return values[name] !== undefined ? values[name] : all; });
}
var makers = {};
function number(value, digits) {
  if (value === null || value === undefined || value !== value) { return text("unknown"); }
  var key = state.language + digits;
  if (!makers[key]) {
    makers[key] = new Intl.NumberFormat(state.language === "zh" ? "zh-CN" : "en-US",
      { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }
  return makers[key].format(value);
}
function known(value) { return value !== null && value !== undefined && value === value; }
function field(key) { return data.fields[key] || { digits: 0, unit: {} }; }
var SHARES = ["shading_loss", "suitability", "transformer_load"];
function shown(key, value, digits) {
  if (!known(value)) { return text("unknown"); }
  if (key === "phases") { return text("phase_" + value); }
  if (SHARES.indexOf(key) >= 0) { return number(value * 100, 1) + "%"; }
  var unit = field(key).unit[state.language];
  return number(value, digits === undefined ? field(key).digits : digits) + (unit ? " " + unit : "");
}
/* 10,000 and more in wan beside the exact number, as Chinese readers say it. */
function large(key, value) {
  var plain = shown(key, value);
  if (state.language !== "zh" || !known(value) || Math.abs(value) < 1e5 || field(key).digits > 2) { return plain; }
  return plain + text("wan_open") + number(value / 1e4, 1) + text("wan_close");
}
function words(value) {
  if (!value) { return text("unknown"); }
  var parts = String(value).split(":");
  return text(parts[0]) + (parts.length > 1 ? " " + parts.slice(1).join(":") : "");
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
  return line;
}
function drawing(tag, attributes) {
  var node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.keys(attributes || {}).forEach(function (name) { node.setAttribute(name, attributes[name]); });
  return node;
}
function say(words_) { document.getElementById("said").textContent = words_; }
