"use strict";
(function () {
  /** Words are wrapped for a phone; a plot with room for more has longer lines, and fewer. */
  function layoutFor(plot, { layout, wide }) {
    const fitted = structuredClone(layout);
    if (!wide || plot.clientWidth < wide.pixels) return fitted;
    for (const [place, change] of Object.entries(wide.annotations)) {
      Object.assign(fitted.annotations[place], change);
    }
    return Object.assign(fitted, structuredClone(wide.layout));
  }

  const plots = Array.from(document.querySelectorAll(".plot"));
  for (const plot of plots) {
    const figure = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
    const { data, config, frames } = figure;
    const isWide = () => figure.wide !== undefined && plot.clientWidth >= figure.wide.pixels;
    let wide = isWide();
    const layout = layoutFor(plot, figure);
    plot.style.minHeight = `${layout.height}px`;
    plot.replaceChildren();
    window.Plotly.newPlot(plot, { data, layout, config, frames });
    window.addEventListener("resize", function () {
      if (isWide() === wide) return;
      wide = isWide();
      const fitted = layoutFor(plot, figure);
      plot.style.minHeight = `${fitted.height}px`;
      // Drawn anew, as a new height alone would hold the width that was.
      window.Plotly.react(plot, { data, layout: fitted, config, frames });
    });
    // The label of the plot says what it shows; its loose ticks and words read aloud would not.
    for (const drawing of plot.querySelectorAll("svg.main-svg")) {
      drawing.setAttribute("aria-hidden", "true");
    }
  }
  window.addEventListener("beforeprint", function () {
    for (const plot of plots) window.Plotly.Plots.resize(plot);
  });
})();
