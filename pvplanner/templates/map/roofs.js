/* The roofs on one canvas: drawn by class, found by a grid. */
var PANEL_PIXELS = 6, TINY = 2.6, BEYOND = 0.15;

var RoofCanvas = L.Layer.extend({
  initialize: function (roofs) { this.roofs = roofs; },
  onAdd: function (map) {
    this.renew();
    map.on("moveend", this.moved, this);
    map.on("resize", this.draw, this);
    this.draw();
  },
  /* The canvas reaches beyond the window: a short move shows what is drawn, and is drawn anew after it. */
  moved: function () {
    var drawn = this._drawn, layer_ = this, corner = map.containerPointToLayerPoint([0, 0]);
    clearTimeout(this._later);
    if (view.printing || !drawn || drawn.zoom !== map.getZoom() || !map.getPixelOrigin().equals(drawn.origin)
      || Math.abs(corner.x - drawn.corner.x) > drawn.pad.x || Math.abs(corner.y - drawn.corner.y) > drawn.pad.y) { this.draw(); return; }
    this._later = setTimeout(function () { layer_.draw(); }, 160);
  },
  /* New canvases: an old one prints the white of its clearing over the relief. */
  renew: function () {
    var pane = this._map.getPanes().overlayPane, layer_ = this;
    ["_canvas", "_marks"].forEach(function (name) {
      if (layer_[name]) { layer_[name].remove(); }
      layer_[name] = L.DomUtil.create("canvas", "leaflet-layer roofs", pane);
      layer_[name].setAttribute("aria-hidden", "true");
    });
  },
  /* World pixels at zoom 0 to pixels of the canvas. */
  frame: function () {
    var scale = map.getZoomScale(map.getZoom(), 0), size = map.getSize();
    var corner = map.containerPointToLayerPoint([0, 0]), origin = map.getPixelOrigin().add(corner);
    return { scale: scale, x: view.zero[0] * scale - origin.x, y: view.zero[1] * scale - origin.y, size: size, corner: corner };
  },
  draw: function () {
    if (!this._map) { return; }
    if (view.printing) { this.renew(); }
    clearTimeout(this._later);
    var frame = this.frame(), ratio = Math.min(window.devicePixelRatio || 1, 2) * (view.printing ? 2 : 1), canvas = this._canvas;
    var pad = view.printing ? L.point(0, 0) : frame.size.multiplyBy(BEYOND).round(), size = frame.size.add(pad.multiplyBy(2));
    canvas.width = size.x * ratio; canvas.height = size.y * ratio;
    canvas.style.width = size.x + "px"; canvas.style.height = size.y + "px";
    L.DomUtil.setPosition(canvas, frame.corner.subtract(pad));
    this._drawn = { zoom: map.getZoom(), origin: map.getPixelOrigin(), corner: frame.corner, pad: pad };
    var pen = canvas.getContext("2d", { willReadFrequently: true });
    var by = this._by = { scale: frame.scale * ratio, x: (frame.x + pad.x) * ratio, y: (frame.y + pad.y) * ratio, wide: canvas.width, high: canvas.height, ratio: ratio };
    view.scaleNow = frame.scale;
    drawGround(pen, by);
    paintRoofs(pen, by, this.roofs);
    view.panels = drawPanels(pen, by, ratio);
    drawReasons(pen, by, ratio);
    this.mark();
  },
  /* The chosen roof and the list, on a canvas of their own: a click need not draw all roofs again. */
  mark: function () {
    var canvas = this._canvas, marks = this._marks;
    marks.width = canvas.width; marks.height = canvas.height;
    marks.style.width = canvas.style.width; marks.style.height = canvas.style.height;
    L.DomUtil.setPosition(marks, L.DomUtil.getPosition(canvas));
    drawMarks(marks.getContext("2d"), this._by, this._by.ratio);
  }
});

function isSeen(box, i, by) {
  return box[4 * i + 2] * by.scale + by.x >= 0 && box[4 * i] * by.scale + by.x <= by.wide
    && box[4 * i + 3] * by.scale + by.y >= 0 && box[4 * i + 1] * by.scale + by.y <= by.high;
}
function trace(pen, shapes, i, by) {
  for (var r = shapes.ring[i]; r < shapes.ring[i + 1]; r++) {
    var first = shapes.point[r], last = shapes.point[r + 1];
    pen.moveTo(shapes.x[first] * by.scale + by.x, shapes.y[first] * by.scale + by.y);
    for (var k = first + 1; k < last; k++) { pen.lineTo(shapes.x[k] * by.scale + by.x, shapes.y[k] * by.scale + by.y); }
    pen.lineTo(shapes.x[first] * by.scale + by.x, shapes.y[first] * by.scale + by.y);
  }
}
/* A fill of its own for what has no value: hatched, dotted, or plain. */
function inkOf(pen, k, ratio) {
  var look = SIGN_LOOKS[k];
  // Without fills modules stand out; where none is drawn the classes stay.
  if (!state.fill && k !== FAINT && moduleSize() * view.scaleNow >= PANEL_PIXELS) { return "#ffffff"; }
  if (!look || !(look.line || look.dot)) { return colourOf(k); }
  var tile = document.createElement("canvas"), size = 8 * ratio, brush;
  tile.width = tile.height = size;
  brush = tile.getContext("2d");
  brush.fillStyle = look.fill; brush.fillRect(0, 0, size, size);
  if (look.line) {
    brush.strokeStyle = look.line; brush.lineWidth = 1.4 * ratio;
    [-1, 0, 1].forEach(function (n) { brush.beginPath(); brush.moveTo((n - 0.5) * size, 1.5 * size); brush.lineTo((n + 1.5) * size, -0.5 * size); brush.stroke(); });
  } else { brush.fillStyle = look.dot; brush.beginPath(); brush.arc(size / 2, size / 2, 1.6 * ratio, 0, 7); brush.fill(); }
  return pen.createPattern(tile, "repeat");
}
/* Dark or white, whichever stands out more from a colour (WCAG contrast; at least 3:1 for each class). */
function luminance(colour) {
  var part = rgb(colour).map(function (c) { c /= 255; return c <= 0.03928 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4); });
  return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
}
function edgeOn(colour) { var l = luminance(colour); return (l + 0.05) / (luminance(DARK) + 0.05) >= 1.05 / (l + 0.05) ? DARK : "#ffffff"; }
var DARK = "#0b1f33";
function rgb(colour) { return [1, 3, 5].map(function (at) { return parseInt(colour.substr(at, 2), 16); }); }

function paintRoofs(pen, by, roofs) {
  var box = roofs.box, groups = {}, tiny = [], i;
  for (i = 0; i < roofs.count; i++) {
    if (!isSeen(box, i, by)) { continue; }
    var size = Math.max(box[4 * i + 2] - box[4 * i], box[4 * i + 3] - box[4 * i + 1]) * by.scale;
    if (size < TINY) { tiny.push(i); } else { (groups[view.classes[i]] = groups[view.classes[i]] || []).push(i); }
  }
  if (tiny.length) { dots(pen, by, box, tiny); }
  var fine = by.scale * view.typical;
  Object.keys(groups).sort(function (a, b) { return b - a; }).forEach(function (k) {
    pen.beginPath();
    groups[k].forEach(function (n) { trace(pen, roofs, n, by); });
    pen.fillStyle = inkOf(pen, Number(k), by.ratio || 1);
    pen.fill();
    if (fine > 7) { pen.lineWidth = fine > 30 ? 1.2 : 0.6; pen.strokeStyle = Number(k) === FAINT ? "#b9bfc4" : "#2b3640"; pen.stroke(); }
  });
}
/* Roofs of a pixel or two are written straight into the picture. */
function dots(pen, by, box, tiny) {
  var picture = pen.getImageData(0, 0, by.wide, by.high), pixels = new Uint32Array(picture.data.buffer), wide = by.wide;
  var ink = {};
  tiny.forEach(function (i) {
    var k = view.classes[i], x = Math.floor((box[4 * i] + box[4 * i + 2]) / 2 * by.scale + by.x), y = Math.floor((box[4 * i + 1] + box[4 * i + 3]) / 2 * by.scale + by.y);
    if (x < 0 || y < 0 || x >= wide - 1 || y >= by.high - 1) { return; }
    if (ink[k] === undefined) { var c = rgb(colourOf(k)); ink[k] = (255 << 24 | c[2] << 16 | c[1] << 8 | c[0]) >>> 0; }
    var at = y * wide + x;
    pixels[at] = pixels[at + 1] = pixels[at + wide] = pixels[at + wide + 1] = ink[k];
  });
  pen.putImageData(picture, 0, 0);
}

/* Contours, water, roads and boundaries under the roofs; the relief lies below as a picture. */
function drawGround(pen, by) {
  var step = contourStep(by);
  view.ground.forEach(function (thing) {
    if (thing.height !== undefined && step && Math.abs(thing.height / step - Math.round(thing.height / step)) > 1e-6) { return; }
    pen.beginPath();
    thing.lines.forEach(function (line) {
      for (var i = 0; i < line.length; i += 2) {
        var x = line[i] * by.scale + by.x, y = line[i + 1] * by.scale + by.y;
        if (i) { pen.lineTo(x, y); } else { pen.moveTo(x, y); }
      }
    });
    if (thing.fill) { pen.fillStyle = thing.fill; pen.fill("evenodd"); }
    pen.lineWidth = thing.width; pen.strokeStyle = thing.colour; pen.setLineDash(thing.dash || []); pen.stroke(); pen.setLineDash([]);
    if (thing.name && by.scale * 1e-3 > 1) { nameLine(pen, by, thing); }
  });
}
/* Contours at the step that gives the window some ten lines. */
var MOST_CONTOURS = 12;
function contourStep(by) {
  var low = Infinity, high = -Infinity;
  view.ground.forEach(function (thing) {
    var b = thing.box;
    if (thing.height === undefined || b[2] * by.scale + by.x < 0 || b[0] * by.scale + by.x > by.wide || b[3] * by.scale + by.y < 0 || b[1] * by.scale + by.y > by.high) { return; }
    low = Math.min(low, thing.height); high = Math.max(high, thing.height);
  });
  return high > low ? roundStep((high - low) / MOST_CONTOURS) : 0;
}
function nameLine(pen, by, thing) {
  pen.font = "11px system-ui, sans-serif"; pen.fillStyle = "#5f5647"; pen.textAlign = "center";
  thing.lines.forEach(function (line) {
    var middle = Math.floor(line.length / 4) * 2, x = line[middle] * by.scale + by.x, y = line[middle + 1] * by.scale + by.y;
    if (line.length > 16 && x > 0 && y > 0 && x < by.wide && y < by.high) { pen.fillText(thing.name, x, y); }
  });
}

/* Zoomed in, every module where it lies and every plane's edge. */
function drawPanels(pen, by, ratio) {
  if (moduleSize() * by.scale / ratio < PANEL_PIXELS || !havePlanes()) { return false; }
  var planes = view.planes, roofs = view.roofs;
  pen.beginPath();
  for (var i = 0; i < roofs.count; i++) {
    if (!isSeen(roofs.box, i, by)) { continue; }
    for (var p = view.planeStart[i]; p < view.planeStart[i + 1]; p++) { trace(pen, planes, p, by); }
  }
  pen.lineWidth = 0.8 * ratio; pen.strokeStyle = "#4a5864"; pen.stroke();
  var groups = {};
  for (i = 0; i < roofs.count; i++) {
    if (isSeen(roofs.box, i, by) && view.classes[i] !== FAINT && tables.roofs.modules[i] > 0) { (groups[view.classes[i]] = groups[view.classes[i]] || []).push(i); }
  }
  Object.keys(groups).forEach(function (k) {
    // The class keeps its colour; a module is seen by its edge.
    var ground = state.fill ? colourOf(Number(k)) : "#ffffff";
    pen.beginPath();
    groups[k].forEach(function (n) { for (var q = view.planeStart[n]; q < view.planeStart[n + 1]; q++) { traceModules(pen, q, by); } });
    if (!state.fill) { pen.fillStyle = "#14304f"; pen.fill(); }
    var size = moduleSize() * by.scale / ratio;
    pen.lineWidth = (state.fill ? Math.min(1.3, 0.35 + size / 30) : 0.7) * ratio; pen.strokeStyle = state.fill ? edgeOn(ground) : "#e9f2f8"; pen.stroke();
  });
  return true;
}
/* Over every roof that carries nothing the number of its reason, as the list beside the map has it. */
function drawReasons(pen, by, ratio) {
  if (!view.whyNot) { return; }
  pen.font = "600 " + 11 * ratio + "px system-ui, sans-serif"; pen.textAlign = "center"; pen.textBaseline = "middle";
  var roofs = view.roofs;
  for (var i = 0; i < roofs.count; i++) {
    if (tables.roofs.modules[i] > 0 || !view.kept[i] || !isSeen(roofs.box, i, by)) { continue; }
    var at = middleOf(i), x = at[0] * by.scale + by.x, y = at[1] * by.scale + by.y, size = (roofs.box[4 * i + 2] - roofs.box[4 * i]) * by.scale / ratio;
    pen.beginPath(); trace(pen, roofs, i, by); pen.lineWidth = 2 * ratio; pen.strokeStyle = "#b2182b"; pen.stroke();
    if (size < 12) { continue; }
    var said = String(view.reasons.indexOf(textAt(tables.roofs.status_reason, i)) + 1);
    pen.lineWidth = 3 * ratio; pen.strokeStyle = "#ffffff"; pen.strokeText(said, x, y); pen.fillStyle = "#7f0e1c"; pen.fillText(said, x, y);
  }
  pen.textBaseline = "alphabetic";
}
function traceModules(pen, p, by) {
  for (var g = view.groupOf[p]; g < view.groupOf[p + 1]; g++) {
    var ux = view.side[4 * g] * by.scale, uy = view.side[4 * g + 1] * by.scale, vx = view.side[4 * g + 2] * by.scale, vy = view.side[4 * g + 3] * by.scale;
    for (var m = view.groupStart[g]; m < view.groupStart[g + 1]; m++) {
      var x = view.corner[2 * m] * by.scale + by.x, y = view.corner[2 * m + 1] * by.scale + by.y;
      pen.moveTo(x, y); pen.lineTo(x + ux, y + uy); pen.lineTo(x + ux + vx, y + uy + vy); pen.lineTo(x + vx, y + vy); pen.lineTo(x, y);
    }
  }
}
/* The transformer that a roof hangs on; undefined where none is known. */
function nodeOf(i) {
  if (!view.nodes) { view.nodes = {}; data.transformers.forEach(function (t) { view.nodes[t.id] = t; }); }
  return tables.roofs.transformer_id ? view.nodes[textAt(tables.roofs.transformer_id, i)] : undefined;
}
var GRID_COLOURS = { red: "#c62828", yellow: "#b8860b", green: "#2e7d32" };
/* Transformers, and a line from each to its roofs: their zones. */
function drawZones(pen, by, ratio) {
  if (!view.zones || !data.transformers.length) { return; }
  var box = view.roofs.box, place = {};
  data.transformers.forEach(function (t) { place[t.id] = [(worldX(t.at[0]) - view.zero[0]) * by.scale + by.x, (worldY(t.at[1]) - view.zero[1]) * by.scale + by.y]; });
  for (var i = 0; i < view.roofs.count; i++) {
    var t = nodeOf(i);
    if (!t || view.classes[i] === FAINT) { continue; }
    pen.beginPath();
    pen.moveTo(place[t.id][0], place[t.id][1]);
    pen.lineTo((box[4 * i] + box[4 * i + 2]) / 2 * by.scale + by.x, (box[4 * i + 1] + box[4 * i + 3]) / 2 * by.scale + by.y);
    pen.lineWidth = 0.9 * ratio; pen.strokeStyle = GRID_COLOURS[t.after] || "#4a5864"; pen.globalAlpha = 0.55; pen.stroke(); pen.globalAlpha = 1;
  }
  pen.font = "600 " + 12 * ratio + "px system-ui, sans-serif"; pen.textAlign = "center";
  data.transformers.forEach(function (t) {
    var x = place[t.id][0], y = place[t.id][1], size = 7 * ratio;
    pen.beginPath(); pen.moveTo(x, y - size); pen.lineTo(x + size, y + size); pen.lineTo(x - size, y + size); pen.closePath();
    pen.fillStyle = GRID_COLOURS[t.after] || "#4a5864"; pen.fill(); pen.lineWidth = 1.5 * ratio; pen.strokeStyle = "#ffffff"; pen.stroke();
    var said = t.id + (known(t.limit_kw) ? " " + number(t.own_planned_kw, 0) + "/" + number(t.limit_kw, 0) + " " + unitOf("capacity_kw_ac") : "");
    pen.lineWidth = 3 * ratio; pen.strokeStyle = "#ffffff"; pen.strokeText(said, x, y - 11 * ratio); pen.fillStyle = "#16202b"; pen.fillText(said, x, y - 11 * ratio);
  });
}
/* Outlines of hamlets: the hull of their roofs. */
function hullOf(points) {
  points.sort(function (a, b) { return a[0] - b[0] || a[1] - b[1]; });
  function half(list_) {
    var out = [];
    list_.forEach(function (p) {
      while (out.length > 1) {
        var a = out[out.length - 2], b = out[out.length - 1];
        if ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0) { break; }
        out.pop();
      }
      out.push(p);
    });
    out.pop();
    return out;
  }
  return half(points).concat(half(points.slice().reverse()));
}
function drawHamlets(pen, by, ratio) {
  if (!view.hamlets) { return; }
  view.hamletPlaces.forEach(function (place) {
    pen.beginPath();
    place.hull = place.hull || hullOf(place.points);
    place.hull.forEach(function (p, n) { pen[n ? "lineTo" : "moveTo"](p[0] * by.scale + by.x, p[1] * by.scale + by.y); });
    pen.closePath();
    pen.lineWidth = 2 * ratio; pen.strokeStyle = "#5e3c99"; pen.setLineDash([7 * ratio, 4 * ratio]); pen.stroke(); pen.setLineDash([]);
  });
}
/* Names of hamlets, and of halls where there is room: none over another. */
function drawNames(pen, by, ratio) {
  var taken = [];
  function put(said, x, y, size, weight) {
    pen.font = weight + " " + size * ratio + "px system-ui, 'Noto Sans SC', 'Microsoft YaHei', sans-serif";
    var wide = pen.measureText(said).width / 2 + 4 * ratio, high = size * ratio * 0.75, box_ = [x - wide, y - high, x + wide, y + high];
    if (box_[0] < 0 || box_[1] < 0 || box_[2] > by.wide || box_[3] > by.high) { return; }
    if (taken.some(function (t) { return t[0] < box_[2] && box_[0] < t[2] && t[1] < box_[3] && box_[1] < t[3]; })) { return; }
    taken.push(box_);
    pen.lineWidth = 3.5 * ratio; pen.strokeStyle = "rgba(255,255,255,0.92)"; pen.lineJoin = "round"; pen.strokeText(said, x, y); pen.fillStyle = "#3d1f6b"; pen.fillText(said, x, y);
  }
  pen.textAlign = "center"; pen.textBaseline = "middle";
  view.hamletPlaces.forEach(function (place) { put(place.name, place.x * by.scale + by.x, place.top * by.scale + by.y - 12 * ratio, 13, "600"); });
  for (var i = 0; i < view.roofs.count && view.someHalls; i++) {
    if (!isHall(i) || !isSeen(view.roofs.box, i, by)) { continue; }
    var b = view.roofs.box, at = middleOf(i);
    if ((b[4 * i + 2] - b[4 * i]) * by.scale > 24 * ratio) { put(textAt(tables.roofs.building_id, i), at[0] * by.scale + by.x, at[1] * by.scale + by.y, 11, "400"); }
  }
  // Close by every house has its number.
  if (view.typical * by.scale > 34 * ratio) {
    for (i = 0; i < view.roofs.count; i++) {
      if (!isSeen(view.roofs.box, i, by)) { continue; }
      at = middleOf(i); put(textAt(tables.roofs.building_id, i), at[0] * by.scale + by.x, at[1] * by.scale + by.y, 11, "400");
    }
  }
  pen.textBaseline = "alphabetic";
}
function drawArea_(pen, by, ratio) {
  var drawn = view.drawing || state.filters.filter(function (f) { return f.kind === "area"; }).map(function (f) { return f.points; })[0];
  if (!drawn || !drawn.length) { return; }
  pen.beginPath();
  drawn.forEach(function (p, n) { pen[n ? "lineTo" : "moveTo"](p[0] * by.scale + by.x, p[1] * by.scale + by.y); });
  if (!view.drawing) { pen.closePath(); }
  pen.lineWidth = 2.5 * ratio; pen.strokeStyle = "#d6006c"; pen.stroke();
  drawn.forEach(function (p) { pen.fillStyle = "#ffffff"; pen.fillRect(p[0] * by.scale + by.x - 3 * ratio, p[1] * by.scale + by.y - 3 * ratio, 6 * ratio, 6 * ratio); pen.strokeRect(p[0] * by.scale + by.x - 3 * ratio, p[1] * by.scale + by.y - 3 * ratio, 6 * ratio, 6 * ratio); });
}
/* The chosen roof and those on the list. */
function drawMarks(pen, by, ratio) {
  drawHamlets(pen, by, ratio);
  drawZones(pen, by, ratio);
  drawNames(pen, by, ratio);
  drawArea_(pen, by, ratio);
  function mark(i, colour, width) {
    if (i < 0 || !isSeen(view.roofs.box, i, by)) { return; }
    pen.beginPath(); trace(pen, view.roofs, i, by);
    pen.lineWidth = width * ratio; pen.strokeStyle = colour; pen.lineJoin = "round"; pen.stroke();
  }
  state.ticked.forEach(function (i) { mark(i, "#0b57d0", 3); });
  if (state.chosen >= 0) { mark(state.chosen, "#ffffff", 6); mark(state.chosen, "#c2185b", 3.5); }
}

/* A grid over the village: which roofs may lie at a point. */
function gridOf(shapes) {
  var side = Math.max(1, Math.ceil(Math.sqrt(shapes.count))), box = shapes.box, all = [Infinity, Infinity, -Infinity, -Infinity], i, c;
  for (i = 0; i < shapes.count; i++) {
    all[0] = Math.min(all[0], box[4 * i]); all[1] = Math.min(all[1], box[4 * i + 1]);
    all[2] = Math.max(all[2], box[4 * i + 2]); all[3] = Math.max(all[3], box[4 * i + 3]);
  }
  var wide = (all[2] - all[0]) / side || 1, high = (all[3] - all[1]) / side || 1, count = new Uint32Array(side * side + 1);
  function each(n, act) {
    var x0 = Math.min(side - 1, Math.floor((box[4 * n] - all[0]) / wide)), x1 = Math.min(side - 1, Math.floor((box[4 * n + 2] - all[0]) / wide));
    var y0 = Math.min(side - 1, Math.floor((box[4 * n + 1] - all[1]) / high)), y1 = Math.min(side - 1, Math.floor((box[4 * n + 3] - all[1]) / high));
    for (var b = y0; b <= y1; b++) { for (var a = x0; a <= x1; a++) { act(b * side + a); } }
  }
  for (i = 0; i < shapes.count; i++) { each(i, function (cell) { count[cell + 1] += 1; }); }
  for (c = 0; c < side * side; c++) { count[c + 1] += count[c]; }
  var held = new Uint32Array(count[side * side]), next = count.slice();
  for (i = 0; i < shapes.count; i++) { each(i, function (cell) { held[next[cell]++] = i; }); }
  return function (x, y) {
    var a = Math.floor((x - all[0]) / wide), b = Math.floor((y - all[1]) / high);
    if (a < 0 || b < 0 || a >= side || b >= side) { return -1; }
    for (var n = count[b * side + a]; n < count[b * side + a + 1]; n++) { if (inside(shapes, held[n], x, y)) { return held[n]; } }
    return -1;
  };
}
function worldAt(event) {
  var at = map.project(event.latlng, 0);
  return [at.x - view.zero[0], at.y - view.zero[1]];
}
