"use strict";
(function () {
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
