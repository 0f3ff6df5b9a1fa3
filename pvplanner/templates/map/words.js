/* Words and numbers as people write them; how far a kind of figure is shown is data. */
function text(key) {
  var own = data.texts[state.language];
  if (Object.prototype.hasOwnProperty.call(own, key)) { return own[key]; }
  view.unsaid.add(key);
  return key;
}
function style() { return data.style[state.language]; }
function filled(key, values) { return fill(text(key), values); }
function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, function (all, name) { return values[name] !== undefined ? values[name] : all; });
}
/* By a rule: decimals, "s3" significant digits, "t100" multiples, "u1" decimals where it is not whole, "p0" per cent. */
function rounded(value, rule) {
  if (rule.charAt(0) === "t") { var step = Number(rule.slice(1)); return [Math.floor(value / step + 0.5) * step, 0]; }
  if (rule.charAt(0) === "u") { return rounded(value, Math.abs(value - Math.round(value)) < 0.05 ? "0" : rule.slice(1)); }
  var digits = Number(rule.replace("s", ""));
  if (rule.charAt(0) === "s" && !value) { return [0, 0]; }
  if (rule.charAt(0) === "s") { digits = digits - 1 - (value ? Math.floor(Math.log10(Math.abs(value))) : 0); }
  var factor = Math.pow(10, digits);
  return [Math.floor(value * factor + 0.5) / factor, Math.max(digits, 0)];
}
function number(value, rule) {
  if (value === null || value === undefined || value !== value) { return text("unknown"); }
  rule = String(rule);
  var share = rule.charAt(0) === "p", found = rounded(share ? value * 100 : value, share ? rule.slice(1) : rule);
  var parts = Math.abs(found[0]).toFixed(found[1]).split(".");
  var whole = parts[0].replace(/\B(?=(\d{3})+(?!\d))/g, style().thousands);
  var sign = found[0] < 0 && Number(Math.abs(found[0]).toFixed(found[1])) > 0 ? "-" : "";
  return sign + whole + (parts.length > 1 ? style().decimal + parts[1] : "") + (share ? "%" : "");
}
function known(value) { return value !== null && value !== undefined && value === value; }
function field(key) { return data.fields[key] || { one: "0", whole: "0", kind: "text", unit: {} }; }
function isShare(key) { return field(key).one.charAt(0) === "p"; }
function unitOf(key) { return isShare(key) ? "%" : field(key).unit[state.language] || ""; }
/* A value as shown; "scope" is "one" (a roof, a household) or "whole" (the village). */
function shown(key, value, scope) {
  if (!known(value)) { return text("unknown"); }
  if (key === "phases") { return text("phase_" + value); }
  var unit = isShare(key) ? "" : unitOf(key);
  return number(value, field(key)[scope || "one"]) + (unit ? " " + unit : "");
}
/* Large numbers beside the exact one as a language says them: 10,000 as wan. */
function large(key, value, scope) {
  var plain = shown(key, value, scope), own = style();
  if (!own.large_from || !known(value) || Math.abs(value) < own.large_from) { return plain; }
  return fill(own.large, { text: plain, number: number(value / own.large_unit, "s4") });
}
function words(value) {
  if (!value) { return text("unknown"); }
  var parts = String(value).split(":");
  return text(parts[0]) + (parts.length > 1 ? " " + parts.slice(1).join(":") : "");
}
function element(tag, content, attributes) {
  var node = document.createElement(tag);
  if (content !== undefined && content !== null) { node.textContent = content; }
  Object.keys(attributes || {}).forEach(function (name) {
    if (name === "style") { node.style.cssText = attributes[name]; } else { node.setAttribute(name, attributes[name]); }
  });
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
