/* Small drawings in the panel: months, cash, histogram. */
/* Bars; "part": what of each comes in a poor year, as a line across it; "lost": what shade takes, on top. */
function barChart(values, labels, name, part, lost) {
  var whole = values.map(function (v, k) { return lost && known(lost[k]) ? v / Math.max(1 - lost[k], 0.01) : v; });
  var wide = 300, high = 84, most = Math.max.apply(null, whole.concat([1])), svg = drawing("svg", { viewBox: "0 0 " + wide + " " + (high + 16), role: "img", "aria-label": name });
  values.forEach(function (value, k) {
    var size = wide / values.length, bar = Math.max(high * value / most, 0);
    var box = drawing("rect", { x: k * size + 2, y: high - bar, width: size - 4, height: bar, fill: "#31688e" });
    box.appendChild(drawing("title")).textContent = labels[k] + ": " + number(value, 0) + (lost && lost[k] > 0 ? " (−" + number(lost[k], "p0") + ")" : "");
    if (whole[k] > value) {
      var full = high * whole[k] / most;
      svg.appendChild(drawing("rect", { x: k * size + 2, y: high - full, width: size - 4, height: full - bar, fill: "#c3cbd2", stroke: "#5b6670", "stroke-width": 0.5, "class": "lost" }));
    }
    svg.appendChild(box);
    if (part > 0) { svg.appendChild(drawing("line", { x1: k * size + 2, x2: (k + 1) * size - 2, y1: high - bar * part, y2: high - bar * part, stroke: "#ffb000", "stroke-width": 2 })); }
    svg.appendChild(drawing("text", { x: (k + 0.5) * size, y: high + 12, "text-anchor": "middle", "font-size": 10, fill: "#3a4753" })).textContent = labels[k];
  });
  svg.appendChild(drawing("text", { x: 2, y: 10, "font-size": 10, fill: "#3a4753" })).textContent = number(most, 0);
  return svg;
}
function lineChart(values, name) {
  var wide = 300, high = 100, low = Math.min.apply(null, Array.from(values).concat([0])), top = Math.max.apply(null, Array.from(values).concat([1])), span = top - low || 1;
  function y(v) { return 6 + (top - v) / span * (high - 12); }
  var svg = drawing("svg", { viewBox: "0 0 " + wide + " " + (high + 14), role: "img", "aria-label": name });
  svg.appendChild(drawing("line", { x1: 0, x2: wide, y1: y(0), y2: y(0), stroke: "#7b8794", "stroke-dasharray": "3 3" }));
  var points = Array.from(values).map(function (v, k) { return (k / (values.length - 1) * wide).toFixed(1) + "," + y(v).toFixed(1); });
  svg.appendChild(drawing("polyline", { points: points.join(" "), fill: "none", stroke: "#0b57d0", "stroke-width": 2 }));
  [[low, high - 4], [top, 10]].forEach(function (end) {
    svg.appendChild(drawing("text", { x: wide - 2, y: end[1], "text-anchor": "end", "font-size": 10, fill: "#3a4753" })).textContent = number(end[0], 0);
  });
  [0, 5, 10, 15, 20, 25].filter(function (n) { return n < values.length; }).forEach(function (n) {
    svg.appendChild(drawing("text", { x: Math.min(Math.max(n / (values.length - 1) * wide, 6), wide - 8), y: high + 11, "text-anchor": "middle", "font-size": 10, fill: "#3a4753" })).textContent = n;
  });
  return svg;
}
function histogramChart() {
  var m = currentMeasure(), by = classCounts(), classes = [];
  (m.kinds ? m : m.houses || m.halls).colours.forEach(function (c, k) { classes.push(m.kinds || m.houses ? k : HALL + k); });
  if (!m.kinds && m.houses && m.halls) { m.halls.colours.forEach(function (c, k) { classes.push(HALL + k); }); }
  [NONE, UNKNOWN, NEVER, NOTHING].forEach(function (k) { if (by[k] || k === NONE) { classes.push(k); } });
  var wide = 300, high = 60, all = classes.map(function (k) { return by[k] || 0; }), most = Math.max.apply(null, all.concat([1]));
  var svg = drawing("svg", { viewBox: "0 0 " + wide + " " + (high + 14), role: "img", "aria-label": text("histogram") + text("colon") + all.join(", ") });
  all.forEach(function (count, k) {
    var size = wide / all.length, bar = high * count / most;
    svg.appendChild(drawing("rect", { x: k * size + 2, y: high - bar, width: size - 4, height: bar, fill: colourOf(classes[k]), stroke: "#5b6670", "stroke-width": 0.5 }));
    svg.appendChild(drawing("text", { x: (k + 0.5) * size, y: high + 11, "text-anchor": "middle", "font-size": 10, fill: "#3a4753" })).textContent = number(count, 0);
  });
  return svg;
}
