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
  var out = boxed(px, py, points, rings, parts);
  out.lon = lon; out.lat = lat;
  return out;
}
/* Shapes with the boxes around them, from points in world pixels. */
function boxed(px, py, points, rings, parts) {
  var shapes = parts.length - 1, ring = new Uint32Array(shapes + 1), box = new Float64Array(shapes * 4), s, i;
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
/* Planes' outlines: corners of their roofs, middles of sides, or points of their own. */
function planeShapes(planes, start, unit) {
  var codes = tables.corners.code, alone = tables.alone, points = starts(planes.points), rings = starts(planes.rings), parts = starts(planes.parts);
  var count = codes.length, px = new Float64Array(count), py = new Float64Array(count), roofs = view.roofs, own = 0, roof = 0, next = sidesOf(roofs);
  for (var p = 0; p + 1 < parts.length; p++) {
    while (start[roof + 1] <= p) { roof += 1; }
    var first = roofs.point[roofs.ring[roof]], size = roofs.point[roofs.ring[roof + 1]] - first, x = roofs.lon[first], y = roofs.lat[first];
    for (var k = points[rings[parts[p]]]; k < points[rings[parts[p + 1]]]; k++) {
      var code = codes[k] - 1, at = first + code % size;
      if (code < 0) { x += alone.x[own]; y += alone.y[own]; own += 1; px[k] = worldX(x * unit) - view.zero[0]; py[k] = worldY(y * unit) - view.zero[1]; continue; }
      if (code < size) { px[k] = roofs.x[at]; py[k] = roofs.y[at]; x = roofs.lon[at]; y = roofs.lat[at]; continue; }
      px[k] = (roofs.x[at] + roofs.x[next[at]]) / 2; py[k] = (roofs.y[at] + roofs.y[next[at]]) / 2;
      x = Math.floor((roofs.lon[at] + roofs.lon[next[at]]) / 2); y = Math.floor((roofs.lat[at] + roofs.lat[next[at]]) / 2);
    }
  }
  return boxed(px, py, points, rings, parts);
}
/* The point that follows each on its ring. */
function sidesOf(shapes) {
  var out = new Uint32Array(shapes.x.length);
  for (var r = 0; r + 1 < shapes.point.length; r++) { for (var i = shapes.point[r]; i < shapes.point[r + 1]; i++) { out[i] = i + 1 < shapes.point[r + 1] ? i + 1 : shapes.point[r]; } }
  return out;
}
/* Lengths of a degree on WGS 84, m: mapping/panels.py again. */
function metresPerDegree(lat) {
  var s2 = Math.pow(Math.sin(lat * Math.PI / 180), 2), rad = Math.PI / 180, e2 = 0.00669437999014, a = 6378137;
  return [rad * a / Math.sqrt(1 - e2 * s2) * Math.cos(lat * rad), rad * a * (1 - e2) / Math.pow(1 - e2 * s2, 1.5)];
}
/* Modules from their runs: corners, and for each group the two sides, in world pixels. */
function placeModules(planes, start) {
  var told = data.panels, groups = tables.groups, runs = tables.runs, own = starts(planes.groups), first = starts(groups.runs), total = 0, n = 0, k, count = 0, g;
  var counts = new Uint32Array(runs.count.length);
  for (k = 0; k < counts.length; k++) { count += runs.count[k]; counts[k] = count; total += count; }
  view.corner = new Float64Array(2 * total); view.side = new Float64Array(4 * groups.runs.length); view.groupOf = own;
  view.groupStart = new Uint32Array(groups.runs.length + 1);
  var later = 0, step = 0, roof = 0, tilt = planes.module_surface_tilt || planes.surface_tilt, azimuth = planes.surface_azimuth;
  view.modulesOf = new Uint32Array(planes.groups.length);
  for (var p = 0; p < planes.groups.length; p++) {
    while (start[roof + 1] <= p) { roof += 1; }
    var at = view.roofs.point[view.roofs.ring[roof]], lon0 = view.roofs.lon[at] * told.unit, lat0 = view.roofs.lat[at] * told.unit, per = metresPerDegree(lat0), before = n;
    for (g = own[p]; g < own[p + 1]; g++) {
      var angle = (90 - azimuth[p] + groups.turn[g] * told.turn) * Math.PI / 180, c = Math.cos(angle), s = Math.sin(angle), long = groups.long[g] === 1;
      var length = told.sides[long ? 1 : 0], wide = told.sides[long ? 0 : 1] * Math.cos((known(tilt[p]) ? tilt[p] : planes.surface_tilt[p]) * Math.PI / 180), pitch = length + told.gap;
      var x0 = lon0 + groups.x[g] * told.place, y0 = lat0 + groups.y[g] * told.place, wx = 256 / 360 / per[0], wy = -256 / 360 / Math.cos(lat0 * Math.PI / 180) / per[1], a = 0, b = 0;
      var ox = worldX(x0) - view.zero[0], oy = worldY(y0) - view.zero[1];
      view.side[4 * g] = length * c * wx; view.side[4 * g + 1] = length * s * wy; view.side[4 * g + 2] = -wide * s * wx; view.side[4 * g + 3] = wide * c * wy;
      view.groupStart[g] = n;
      for (k = first[g]; k < first[g + 1]; k++) {
        if (k > first[g]) { step += runs.b[later]; a += runs.a[later] * told.step; b += step * told.step; later += 1; }
        for (var m = 0; m < counts[k]; m++) {
          var u = a + m * pitch;
          view.corner[2 * n] = ox + (u * c - b * s) * wx; view.corner[2 * n + 1] = oy + (u * s + b * c) * wy; n += 1;
        }
      }
    }
    view.modulesOf[p] = n - before;
  }
  view.groupStart[groups.runs.length] = n;
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
