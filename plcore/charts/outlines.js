// plotly.js asks a server for the outlines of the world before it draws any map, also one that
// brings its own shapes, unless it finds outlines here: these have nothing in them.
(function () {
  "use strict";
  function blank() {
    const layers = ["coastlines", "land", "ocean", "lakes", "rivers", "countries", "subunits"];
    const nothing = layers.map((layer) => [layer, { type: "GeometryCollection", geometries: [] }]);
    return { type: "Topology", arcs: [], objects: Object.fromEntries(nothing) };
  }
  window.PlotlyGeoAssets = { topojson: { world_110m: blank(), usa_110m: blank() } };
})();
