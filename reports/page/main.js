// Starts everything, draws again when the colour scheme or the width changes, and leaves behind what a test needs to know.
"use strict";
(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("records").textContent);

  gradproof.note = (figure, text) => {
    let note = figure.querySelector(".note");
    if (!note) {
      note = document.createElement("p");
      note.className = "note";
      figure.append(note);
    }
    note.textContent = text;
  };

  const draw = (figure) => {
    Chart.getChart(figure.querySelector("canvas"))?.destroy();
    const chart = gradproof.charts[figure.dataset.chart](figure, data);
    figure.classList.toggle("empty", chart === null);
    if (chart === null) gradproof.note(figure, "No records for this chart.");
    return chart;
  };

  // How many pixels carry a hue. Axes and names are grey, so a chart whose marks went missing has none.
  const coloured_pixels = (canvas) => {
    const { data: pixels } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let coloured = 0;
    for (let i = 0; i < pixels.length; i += 4) {
      const [r, g, b] = [pixels[i], pixels[i + 1], pixels[i + 2]];
      coloured += pixels[i + 3] > 127 && Math.max(r, g, b) - Math.min(r, g, b) > 60 ? 1 : 0;
    }
    return coloured;
  };

  const draw_all = () => {
    gradproof.apply_theme();
    let charts = 0, blank = 0;
    for (const figure of document.querySelectorAll("figure[data-chart]")) {
      if (draw(figure) === null) continue;
      figure.dataset.coloured = coloured_pixels(figure.querySelector("canvas"));
      ++charts;
      blank += figure.dataset.coloured < 20 ? 1 : 0;
    }
    root.dataset.charts = charts;
    root.dataset.blank = blank;
    root.dataset.width = innerWidth;
    root.dataset.overflow = root.scrollWidth - root.clientWidth;
  };

  gradproof.start_tables();
  draw_all();
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  root.dataset.scheme = scheme.matches ? "dark" : "light";
  scheme.addEventListener("change", () => {
    root.dataset.scheme = scheme.matches ? "dark" : "light";
    draw_all();
  });
  root.dataset.ready = "true";
})();
