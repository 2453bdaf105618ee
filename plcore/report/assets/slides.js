"use strict";
(function () {
  // Pixels. In less than NARROW a chart has its look for phones; the other is made for WIDE.
  const NARROW = 700, WIDE = Number(document.getElementById("deck").dataset.wide), WIDEST = 1150;
  // How much a chart may shrink on a screen before the slide scrolls instead.
  const LEAST = 0.75;

  const root = document.documentElement;
  const slides = Array.from(document.querySelectorAll(".slide"));
  const byId = (id) => document.getElementById(id);
  const help = byId("help");
  let current = 0;

  // --- Charts: drawn at the size their text is made for, and enlarged to the room there is ------

  const charts = slides.map(function (slide) {
    const drawing = slide.querySelector(".drawing");
    if (drawing === null) return null;
    const figure = JSON.parse(byId(drawing.dataset.figure).textContent);
    // What a slide shows as the page does is there once.
    figure.wide = Object.assign({ data: figure.data, layout: figure.layout }, figure.wide);
    return { picture: slide.querySelector(".picture"), sheet: slide.querySelector(".sheet"),
      drawing, figure, drawn: "" };
  });

  function measured(chart, printing) {
    const { picture, figure } = chart;
    picture.style.minHeight = "";
    const width = picture.clientWidth;
    if (width < NARROW) {
      return { layout: figure.layout, width, height: figure.layout.height || 450, scale: 1 };
    }
    const height = figure.wide.layout.height || 450;
    const fits = Math.min(picture.clientHeight / height, width / WIDE);
    const scale = Math.max(fits, printing ? 0.2 : LEAST);
    return { layout: figure.wide.layout, width: Math.min(width / scale, WIDEST), height, scale };
  }

  function fit(chart, printing) {
    const { picture, sheet, drawing, figure } = chart;
    const { layout, width, height, scale } = measured(chart, printing);
    const size = { width: Math.floor(width), height };
    sheet.style.width = size.width * scale + "px";
    sheet.style.height = height * scale + "px";
    picture.style.minHeight = sheet.style.height;
    drawing.style.width = size.width + "px";
    drawing.style.height = height + "px";
    drawing.style.transform = scale === 1 ? "none" : "scale(" + scale + ")";
    const look = layout === figure.wide.layout ? "wide" : "narrow";
    if (chart.drawn !== look) {
      if (chart.drawn === "") drawing.replaceChildren();
      const copy = JSON.parse(JSON.stringify(figure));
      window.Plotly.purge(drawing);
      chart.done = window.Plotly.newPlot(drawing, {
        data: look === "wide" ? copy.wide.data : copy.data,
        layout: Object.assign(look === "wide" ? copy.wide.layout : copy.layout, size, { autosize: false }),
        frames: copy.frames || [],
        config: Object.assign(copy.config, { responsive: false, displayModeBar: false }),
      });
      chart.drawn = look;
      // The label of the drawing says what it shows; its loose ticks and words would not.
      for (const svg of drawing.querySelectorAll("svg.main-svg")) {
        svg.setAttribute("aria-hidden", "true");
      }
    } else if (drawing.layout.width !== size.width || drawing.layout.height !== height) {
      chart.done = window.Plotly.relayout(drawing, size);
    }
  }

  function fitAll(printing) {
    for (const chart of charts) if (chart !== null) fit(chart, printing);
  }

  function fitCurrent() {
    if (charts[current] !== null) fit(charts[current], false);
  }

  // --- Which slide ------------------------------------------------------------------------------

  function show(index) {
    current = Math.max(0, Math.min(slides.length - 1, index));
    slides.forEach((slide, n) => slide.classList.toggle("current", n === current));
    slides[current].scrollTop = 0;
    // Replaced, not added: the way back leads out of the deck, not through all its slides.
    history.replaceState(null, "", "#" + (current + 1));
    byId("place").textContent = current + 1 + " / " + slides.length;
    byId("said").textContent = slides[current].dataset.said;
    byId("previous").setAttribute("aria-disabled", String(current === 0));
    byId("next").setAttribute("aria-disabled", String(current === slides.length - 1));
    fitCurrent();
  }

  function asked() {
    const number = parseInt(location.hash.slice(1), 10);
    return Number.isNaN(number) ? 0 : number - 1;
  }

  function toggleNotes() {
    const shown = root.classList.toggle("with-notes");
    byId("show-notes").setAttribute("aria-pressed", String(shown));
    fitCurrent();
    const notes = slides[current].querySelector(".notes");
    if (shown && notes !== null) notes.scrollIntoView({ block: "nearest" });
  }

  function toggleFull() {
    if (document.fullscreenElement !== null) document.exitFullscreen();
    else if (document.fullscreenEnabled) root.requestFullscreen().catch(() => {});
  }

  // --- Keys, buttons, fingers -------------------------------------------------------------------

  const keys = {
    ArrowRight: () => show(current + 1), ArrowLeft: () => show(current - 1),
    ArrowDown: () => show(current + 1), ArrowUp: () => show(current - 1),
    PageDown: () => show(current + 1), PageUp: () => show(current - 1),
    Home: () => show(0), End: () => show(slides.length - 1),
    " ": () => show(current + 1), n: toggleNotes, f: toggleFull, "?": () => help.showModal(),
  };

  document.addEventListener("keydown", function (event) {
    if (help.open || event.ctrlKey || event.altKey || event.metaKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (keys[key] === undefined) return;
    // Space works the button or link that has the focus; up and down scroll what is too long.
    if (key === " " && event.target.closest("a, button, summary, input") !== null) return;
    const slide = slides[current];
    const scrolls = slide.scrollHeight > slide.clientHeight + 1;
    if (scrolls && (key === "ArrowDown" || key === "ArrowUp")) {
      slide.scrollBy(0, key === "ArrowDown" ? 60 : -60);
    } else if (key === " " && event.shiftKey) {
      show(current - 1);
    } else {
      keys[key]();
    }
    event.preventDefault();
  });

  byId("previous").addEventListener("click", () => show(current - 1));
  byId("next").addEventListener("click", () => show(current + 1));
  byId("show-notes").addEventListener("click", toggleNotes);
  byId("show-help").addEventListener("click", () => help.showModal());
  byId("full").addEventListener("click", toggleFull);
  byId("full").hidden = !document.fullscreenEnabled;
  window.addEventListener("hashchange", () => show(asked()));

  let touch = null;
  const controls = ".slider-container, .updatemenu-container, .modebar, a, button, dialog";
  document.addEventListener("touchstart", function (event) {
    const free = event.touches.length === 1 && event.target.closest(controls) === null;
    touch = free ? { x: event.touches[0].clientX, y: event.touches[0].clientY } : null;
  }, { passive: true, capture: true });
  document.addEventListener("touchend", function (event) {
    if (touch === null) return;
    const across = event.changedTouches[0].clientX - touch.x;
    const along = event.changedTouches[0].clientY - touch.y;
    touch = null;
    // A page zoomed in is moved about by the same gesture.
    const zoomed = window.visualViewport !== undefined && window.visualViewport.scale > 1.05;
    if (zoomed || Math.abs(across) < 50 || Math.abs(across) < 1.5 * Math.abs(along)) return;
    show(current + (across < 0 ? 1 : -1));
  }, { passive: true, capture: true });

  // --- Windows and paper ------------------------------------------------------------------------

  // A browser writes every line of a hatch into a PDF, which makes it four times as large: on paper
  // what is hatched has the hatch's ground alone.
  const hatched = [];
  function plain(begins) {
    for (const [shape, fill] of hatched.splice(0)) shape.style.fill = fill;
    if (!begins) return;
    for (const shape of document.querySelectorAll(".drawing path, .drawing rect")) {
      const hatch = /^url\("?#([^")]+)"?\)/.exec(shape.style.fill);
      const ground = hatch === null ? null : document.querySelector("#" + hatch[1] + " rect");
      if (ground === null) continue;
      hatched.push([shape, shape.style.fill]);
      shape.style.fill = ground.style.fill || ground.getAttribute("fill");
    }
  }

  function toPaper(begins) {
    root.classList.toggle("printing", begins);
    fitAll(begins);
    plain(false);
    // A chart that is drawn for the first time has its hatches a moment later.
    if (begins) {
      Promise.all(charts.map((chart) => chart && chart.done)).then(() => {
        plain(root.classList.contains("printing"));
      });
    }
  }
  window.addEventListener("beforeprint", () => toPaper(true));
  window.addEventListener("afterprint", () => toPaper(false));

  let waiting = 0;
  window.addEventListener("resize", function () {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      if (!root.classList.contains("printing")) fitCurrent();
    });
  });

  root.classList.add("turned");
  show(asked());
})();
