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

  // The share of a canvas that is not transparent: a chart that silently drew nothing has none.
  const ink = (canvas) => {
    const { data: pixels } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let drawn = 0;
    for (let i = 3; i < pixels.length; i += 4) drawn += pixels[i] > 0 ? 1 : 0;
    return (4 * drawn) / pixels.length;
  };

  const draw_all = () => {
    gradproof.apply_theme();
    let charts = 0, blank = 0;
    for (const figure of document.querySelectorAll("figure[data-chart]")) {
      if (draw(figure) === null) continue;
      const share = ink(figure.querySelector("canvas"));
      figure.dataset.ink = share.toFixed(4);
      ++charts;
      blank += share < 0.005 ? 1 : 0;
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
