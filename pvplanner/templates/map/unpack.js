/* The packed columns: the other half of mapping/pack.py. */
var data = JSON.parse(document.getElementById("pvplanner-data").textContent);

function packedBytes() {
  var element = document.getElementById("pvplanner-body");
  var raw = atob(element.textContent.trim()), out = new Uint8Array(raw.length);
  element.remove();
  for (var i = 0; i < raw.length; i++) { out[i] = raw.charCodeAt(i); }
  return out;
}

function inflated(bytes, then) {
  if (typeof DecompressionStream === "undefined") { then(inflate(bytes)); return; }
  var stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  new Response(stream).arrayBuffer().then(function (held) { then(new Uint8Array(held)); });
}

/* RFC 1950 and 1951, for browsers without DecompressionStream. */
function inflate(source) {
  var at = 2, bits = 0, held = 0, out = new Uint8Array(source.length * 4), size = 0;
  var LENGTH = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
  var LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
  var AWAY = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
  var AWAY_EXTRA = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
  var ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  function read(count) {
    while (held < count) { bits |= source[at++] << held; held += 8; }
    var value = bits & ((1 << count) - 1);
    bits >>>= count; held -= count;
    return value;
  }
  function tree(lengths) {
    var count = new Uint16Array(16), start = new Uint16Array(16), symbols = new Uint16Array(lengths.length), i;
    for (i = 0; i < lengths.length; i++) { count[lengths[i]]++; }
    count[0] = 0;
    for (i = 1; i < 16; i++) { start[i] = start[i - 1] + count[i - 1]; }
    for (i = 0; i < lengths.length; i++) { if (lengths[i]) { symbols[start[lengths[i]]++] = i; } }
    return { count: count, symbols: symbols };
  }
  function symbol(t) {
    var code = 0, first = 0, index = 0;
    for (var length = 1; length < 16; length++) {
      code |= read(1);
      var count = t.count[length];
      if (code - count < first) { return t.symbols[index + (code - first)]; }
      index += count; first = (first + count) << 1; code <<= 1;
    }
    throw new Error("inflate");
  }
  function room(more) {
    if (size + more <= out.length) { return; }
    var grown = new Uint8Array((size + more) * 2);
    grown.set(out); out = grown;
  }
  var last, kind, i, n;
  do {
    last = read(1); kind = read(2);
    if (kind === 0) {
      bits = held = 0;
      n = source[at] | (source[at + 1] << 8); at += 4;
      room(n); out.set(source.subarray(at, at + n), size); at += n; size += n;
      continue;
    }
    var literal, away, lengths = new Uint8Array(320);
    if (kind === 1) {
      for (i = 0; i < 288; i++) { lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8; }
      literal = tree(lengths.subarray(0, 288)); away = tree(new Uint8Array(30).fill(5));
    } else {
      var literals = read(5) + 257, aways = read(5) + 1, codes = read(4) + 4, own = new Uint8Array(19);
      for (i = 0; i < codes; i++) { own[ORDER[i]] = read(3); }
      var helper = tree(own);
      for (i = 0; i < literals + aways;) {
        var s = symbol(helper), value = 0;
        if (s < 16) { lengths[i++] = s; continue; }
        if (s === 16) { value = lengths[i - 1]; n = 3 + read(2); } else if (s === 17) { n = 3 + read(3); } else { n = 11 + read(7); }
        while (n--) { lengths[i++] = value; }
      }
      literal = tree(lengths.slice(0, literals)); away = tree(lengths.slice(literals, literals + aways));
    }
    for (;;) {
      var token = symbol(literal);
      if (token === 256) { break; }
      room(260);
      if (token < 256) { out[size++] = token; continue; }
      n = LENGTH[token - 257] + read(LENGTH_EXTRA[token - 257]);
      var d = symbol(away), back = AWAY[d] + read(AWAY_EXTRA[d]);
      for (i = 0; i < n; i++, size++) { out[size] = out[size - back]; }
    }
  } while (!last);
  return out.subarray(0, size);
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
