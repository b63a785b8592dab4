// What the experiments drew: a line a curve, errors by factors.
"use strict";
(() => {
  const dataset = (curve, i) => {
    const { colour, shape } = gradproof.series(i);
    return {
      label: curve.name, data: curve.x.map((x, k) => ({ x, y: curve.y[k] })).filter((point) => point.y > 0),
      showLine: true, clip: false, borderColor: colour, backgroundColor: colour, borderWidth: 2, pointStyle: shape,
      pointRadius: curve.x.length > 20 ? 0 : 4, pointHoverRadius: 6, pointHitRadius: 8,
    };
  };

  // A little room above and below the curves; down to a power of ten where there would hardly be one.
  const range = (values) => {
    const low = Math.log10(Math.min(...values)), high = Math.log10(Math.max(...values));
    const room = 0.06 * (high - low) + 0.02;
    return [10 ** (high - low < 1.5 ? Math.floor(low) : low - room), 10 ** (high + room)];
  };

  gradproof.charts.curves = (figure, data) => {
    const plot = data.properties.find((one) => one.name === figure.dataset.property);
    const datasets = (plot?.curves ?? []).map(dataset);
    const points = datasets.flatMap((one) => one.data);
    if (points.length === 0) return null;
    const xs = plot.curves[0].x;
    const x_axis = plot.logarithmic
      ? { ...gradproof.log_axis(plot.x_axis, Math.min(...xs), Math.max(...xs)),
          afterBuildTicks: (scale) => { scale.ticks = xs.map((value) => ({ value })); }, ticks: { callback: String, maxRotation: 0 } }
      : gradproof.axis(plot.x_axis, { beginAtZero: true, max: Math.max(...xs) });
    return new Chart(figure.querySelector("canvas"), {
      type: "scatter",
      data: { datasets },
      options: {
        layout: { padding: { right: 14 } },
        scales: { x: x_axis, y: gradproof.log_axis(plot.y_axis, ...range(points.map((point) => point.y))) },
        plugins: {
          legend: { display: datasets.length > 1 },
          tooltip: {
            callbacks: {
              title: ([item]) => `${plot.x_axis} ${item.raw.x}`,
              label: (item) => ` ${item.dataset.label}: ${gradproof.three_digits(item.raw.y)}`,
            },
          },
        },
      },
    });
  };
})();
