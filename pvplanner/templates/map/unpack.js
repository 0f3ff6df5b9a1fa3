/* The packed columns: the other half of mapping/pack.py. */
var data = JSON.parse(document.getElementById("pvplanner-data").textContent);

function inflated(bytes, then) {
  if (typeof DecompressionStream === "undefined" || typeof Response === "undefined") { then(pvplannerPage.inflate(bytes)); return; }
  var stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  new Response(stream).arrayBuffer().then(function (held) { then(new Uint8Array(held)); });
}
/* The rest of the page's words and tables lies behind the columns. */
function readRest(bytes) {
  var at = data.rest;
  Object.assign(data, JSON.parse(new TextDecoder().decode(bytes.subarray(at[0], at[0] + at[1]))));
}

function integersOf(bytes, told) {
  var rows = told.rows, out = new Float64Array(rows), weight = 1, size = told.size, at = told.at;
  if (size <= 3) {
    var second = at + rows, third = second + rows;
    for (var j = 0; j < rows; j++) {
      var coded = bytes[at + j];
      if (size > 1) { coded |= bytes[second + j] << 8; }
      if (size > 2) { coded |= bytes[third + j] << 16; }
      coded -= 1;
      out[j] = coded < 0 ? NaN : (coded >>> 1) ^ -(coded & 1);
    }
    return out;
  }
  for (var plane = 0; plane < told.size; plane++) {
    var from = told.at + plane * rows;
    for (var i = 0; i < rows; i++) { out[i] += bytes[from + i] * weight; }
    weight *= 256;
  }
  for (var k = 0; k < rows; k++) {
    var n = out[k] - 1;
    out[k] = n < 0 ? NaN : n % 2 ? -(n + 1) / 2 : n / 2;
  }
  return out;
}

function numbersOf(bytes, told, wholes, name) {
  var out = integersOf(bytes, told), rows = told.rows, i;
  if (told.base === "") {
    var before = 0;
    for (i = 0; i < rows; i++) { out[i] += before; before = out[i] === out[i] ? out[i] : 0; }
  } else if (told.base !== null) {
    var other = wholes[told.base];
    for (i = 0; i < rows; i++) {
      if (other[i] === other[i]) { out[i] += Math.floor(other[i] * told.factor + 0.5); }
    }
  }
  wholes[name] = out;
  var values = new Float64Array(rows), scale = Math.pow(10, told.digits);
  for (i = 0; i < rows; i++) { values[i] = out[i] / scale; }
  return values;
}

/* Tables of columns: numbers as Float64Array, kinds as {names, codes}, texts as arrays. A column is
   read when it is first asked for: the months of a hundred thousand roofs are seen one by one. */
function unpacked(bytes) {
  var tables_ = {}, wholes = {};
  function read(name, told) {
    if (told.kind === "number") {
      if (told.base) { var at = told.base.split("."); tables_[at[0]][at[1]]; }
      return numbersOf(bytes, told, wholes, name + "." + told.key);
    }
    if (told.kind === "integer") { return integersOf(bytes, told); }
    if (told.kind === "same") { var as = told.as.split("."); return tables_[as[0]][as[1]]; }
    if (told.kind === "numbered") { return { head: told.head, width: told.width, values: summed(integersOf(bytes, told)) }; }
    if (told.kind === "category") { return { names: told.names, codes: integersOf(bytes, told) }; }
    return JSON.parse(new TextDecoder().decode(bytes.subarray(told.at, told.at + told.length)));
  }
  Object.keys(data.tables).forEach(function (name) {
    var table_ = tables_[name] = {};
    data.tables[name].forEach(function (told) {
      Object.defineProperty(table_, told.key, { configurable: true, enumerable: true, get: function () {
        var column = read(name, told);
        Object.defineProperty(table_, told.key, { value: column, enumerable: true });
        return column;
      } });
    });
  });
  return tables_;
}

function summed(steps) {
  for (var i = 1; i < steps.length; i++) { steps[i] += steps[i - 1]; }
  return steps;
}
function textAt(column, row) {
  if (!column) { return ""; }
  if (column.head !== undefined) { return column.head + String(column.values[row]).padStart(column.width, "0"); }
  return column.names ? column.names[column.codes[row]] : column[row];
}

/* Where each row's own rows begin. */
function starts(counts) {
  var out = new Uint32Array(counts.length + 1);
  for (var i = 0; i < counts.length; i++) { out[i + 1] = out[i] + counts[i]; }
  return out;
}

/* Shapes on the map's projection (world pixels at zoom 0, from the first point). */
function placed(table, origin, unit, zero) {
  var x = table.x, y = table.y, points = starts(table.points), rings = starts(table.rings), parts = starts(table.parts);
  var count = points[points.length - 1], px = new Float64Array(count), py = new Float64Array(count);
  var lon = new Float64Array(count), lat = new Float64Array(count), fx = origin[0], fy = origin[1], r, i;
  for (r = 0; r + 1 < points.length; r++) {
    var first = points[r], last = points[r + 1];
    fx += x[first]; fy += y[first];
    lon[first] = fx; lat[first] = fy;
    for (i = first + 1; i < last; i++) {
      if (i === first + 3) { lon[i] = lon[i - 3] + lon[i - 1] - lon[i - 2] + x[i]; lat[i] = lat[i - 3] + lat[i - 1] - lat[i - 2] + y[i]; }
      else { lon[i] = lon[i - 1] + x[i]; lat[i] = lat[i - 1] + y[i]; }
    }
  }
  for (i = 0; i < count; i++) { px[i] = worldX(lon[i] * unit) - zero[0]; py[i] = worldY(lat[i] * unit) - zero[1]; }
  var shapes = parts.length - 1, ring = new Uint32Array(shapes + 1), box = new Float64Array(shapes * 4);
  for (var s = 0; s < shapes; s++) {
    ring[s + 1] = rings[parts[s + 1]];
    var left = Infinity, top = Infinity, right = -Infinity, bottom = -Infinity;
    for (i = points[ring[s]]; i < points[ring[s + 1]]; i++) {
      if (px[i] < left) { left = px[i]; } if (px[i] > right) { right = px[i]; }
      if (py[i] < top) { top = py[i]; } if (py[i] > bottom) { bottom = py[i]; }
    }
    box[4 * s] = left; box[4 * s + 1] = top; box[4 * s + 2] = right; box[4 * s + 3] = bottom;
  }
  return { x: px, y: py, point: points, ring: ring, box: box, count: shapes };
}
function worldX(lon) { return (lon + 180) / 360 * 256; }
function worldY(lat) {
  var sine = Math.sin(lat * Math.PI / 180);
  return (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * 256;
}
function inside(shapes, s, x, y) {
  if (x < shapes.box[4 * s] || x > shapes.box[4 * s + 2] || y < shapes.box[4 * s + 1] || y > shapes.box[4 * s + 3]) { return false; }
  var odd = false;
  for (var r = shapes.ring[s]; r < shapes.ring[s + 1]; r++) {
    var first = shapes.point[r], last = shapes.point[r + 1];
    for (var i = first, j = last - 1; i < last; j = i++) {
      if ((shapes.y[i] > y) !== (shapes.y[j] > y)
        && x < (shapes.x[j] - shapes.x[i]) * (y - shapes.y[i]) / (shapes.y[j] - shapes.y[i]) + shapes.x[i]) { odd = !odd; }
    }
  }
  return odd;
}
