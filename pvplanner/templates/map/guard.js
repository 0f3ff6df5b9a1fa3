/* First of all scripts, in the oldest words: says so where the page can't run, and unpacks the rest. */
(function () {
"use strict";
function bytesOf(id) {
  var raw = atob(document.getElementById(id).textContent.trim()), out = new Uint8Array(raw.length);
  for (var i = 0; i < raw.length; i++) { out[i] = raw.charCodeAt(i); }
  return out;
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
/* What the page stands on; each is in Chromium 60 and Firefox 60. */
function lacking() {
  var there = { Uint8Array: window.Uint8Array, TextDecoder: window.TextDecoder, Map: window.Map, Set: window.Set, "Array.from": Array.from,
    "Object.values": Object.values, "String.padStart": String.prototype.padStart, canvas: document.createElement("canvas").getContext };
  return Object.keys(there).filter(function (name) { return !there[name]; });
}
/* A page that a browser saved holds what was drawn: it is taken away and drawn again. */
function clean() {
  var holder = document.querySelector(".folium-map"), kept = document.getElementById("outliers");
  document.body.appendChild(kept);
  while (holder.firstChild) { holder.removeChild(holder.firstChild); }
  holder.className = "folium-map";
  holder.removeAttribute("style"); holder.removeAttribute("tabindex");
  document.documentElement.removeAttribute("data-ready");
  document.body.className = "";
}
function run(code) {
  var node = document.createElement("script");
  node.textContent = code;
  document.head.appendChild(node);
  document.head.removeChild(node);
}
var missing = lacking(), parts = [];
if (missing.length) { document.documentElement.setAttribute("data-lacks", missing.join(" ")); }
else {
  parts = new TextDecoder().decode(inflate(bytesOf("pvplanner-code"))).split("\u0000");
  window.pvplannerPage = { bytesOf: bytesOf, inflate: inflate, clean: clean, start: function () { run(parts[1]); } };
  run(parts[0]);
}
}());
