"use strict";
(function () {
  // plotly.js asks a server for the outlines of the world before it draws any map, also one that
  // brings its own shapes, unless it finds outlines here: these have nothing in them.
  function blank() {
    const layers = ["coastlines", "land", "ocean", "lakes", "rivers", "countries", "subunits"];
    const nothing = layers.map((layer) => [layer, { type: "GeometryCollection", geometries: [] }]);
    return { type: "Topology", arcs: [], objects: Object.fromEntries(nothing) };
  }
  window.PlotlyGeoAssets = { topojson: { world_110m: blank(), usa_110m: blank() } };

  const plots = Array.from(document.querySelectorAll(".plot"));
  for (const plot of plots) {
    const figure = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
    plot.replaceChildren();
    window.Plotly.newPlot(plot, figure);
    // The label of the plot says what it shows; its loose ticks and words read aloud would not.
    for (const drawing of plot.querySelectorAll("svg.main-svg")) {
      drawing.setAttribute("aria-hidden", "true");
    }
  }
  window.addEventListener("beforeprint", function () {
    for (const plot of plots) window.Plotly.Plots.resize(plot);
  });
})();
