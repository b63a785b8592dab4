// The gate's charts: one row a name, with the band that is allowed, launches as dots, and an interval where there is one.
"use strict";
(() => {
  const row_height = 38;
  const most_letters = (plot) => Math.max(16, Math.floor(plot.clientWidth / 20));
  const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  const percent = (part) => `${part < 0 ? "-" : "+"}${Math.abs(100 * part).toFixed(1)}%`;
  const without_op = (text) => text.slice(text.indexOf(":") + 1);

  // What the axis must show: bands, estimates and intervals whole, and of the launches all but a few strays, which lie
  // at its edge, so that one disturbed launch does not squeeze everything else.
  const extent_of = (rows) => {
    const must = rows.flatMap((row) => [row.delta, row.confirmed && row.change, row.low, row.high]).filter(Number.isFinite);
    const launches = rows.flatMap((row) => [...(row.screened ?? []), ...(row.confirmed ?? [])]).map(Math.abs).sort((a, b) => a - b);
    const usual = launches[Math.floor(0.97 * (launches.length - 1))] ?? 0;
    return Math.ceil(115 * Math.max(usual, 0.01, ...must.map(Math.abs)));
  };

  // The band of changes that are allowed is a row's own: short rows and pools have others.
  const bands = {
    id: "bands",
    beforeDatasetsDraw(chart, _, { rows }) {
      const { ctx, chartArea: area, scales: { x, y } } = chart;
      const half = (y.getPixelForValue(1) - y.getPixelForValue(0)) / 2;
      ctx.save();
      ctx.beginPath();
      ctx.rect(area.left, area.top, area.width, area.height);
      ctx.clip();
      rows.forEach((row, i) => {
        if (!(row.delta > 0)) return;
        const at = y.getPixelForValue(i), from = x.getPixelForValue(-100 * row.delta), to = x.getPixelForValue(100 * row.delta);
        ctx.fillStyle = gradproof.fade(gradproof.colour("soft"), 0.13);
        ctx.fillRect(from, at - half, to - from, 2 * half);
        ctx.strokeStyle = gradproof.colour("soft");
        ctx.lineWidth = 1;
        ctx.setLineDash([3, 3]);
        ctx.beginPath();
        ctx.moveTo(to, at - half);
        ctx.lineTo(to, at + half);
        ctx.stroke();
      });
      ctx.restore();
    },
  };

  // A line with ends: it is the interval, and nothing beyond it is hinted at.
  const intervals = {
    id: "intervals",
    beforeDatasetsDraw(chart) {
      const { ctx, scales: { x, y } } = chart;
      ctx.save();
      ctx.lineWidth = 2;
      chart.data.datasets.forEach((set, i) => {
        if (!chart.isDatasetVisible(i)) return;
        ctx.strokeStyle = set.borderColor;
        for (const { range, y: row } of set.data) {
          if (!range) continue;
          const [from, to] = range.map((value) => x.getPixelForValue(value)), at = y.getPixelForValue(row);
          ctx.beginPath();
          ctx.moveTo(from, at);
          ctx.lineTo(to, at);
          for (const end of [from, to]) {
            ctx.moveTo(end, at - 4);
            ctx.lineTo(end, at + 4);
          }
          ctx.stroke();
        }
      });
      ctx.restore();
    },
  };

  const tones = [
    { tone: "bad", name: "fails", colour: "bad", shape: "rectRot" },
    { tone: "warn", name: "undecided", colour: "warn", shape: "triangle" },
    { tone: "good", name: "holds", colour: "good", shape: "circle" },
    { tone: "quiet", name: "layout only", colour: "soft", shape: "rect" },
    { tone: "better", name: "faster", colour: "series-1", shape: "rect" },
  ];

  const estimates = (rows) => tones.map(({ tone, name, colour, shape }) => ({
    label: name,
    data: rows.flatMap((row, i) => (row.tone !== tone || !row.confirmed ? [] : [{
      x: 100 * row.change, y: i, range: row.low === undefined ? undefined : [100 * row.low, 100 * row.high],
      note: row.low === undefined ? percent(row.change) : `${percent(row.change)}, 95%: ${percent(row.low)} to ${percent(row.high)}`,
    }])),
    borderColor: gradproof.colour(colour), backgroundColor: gradproof.colour(colour), pointStyle: shape, pointRadius: 5.5,
    pointHoverRadius: 7, order: 1,
  })).filter((set) => set.data.length > 0);

  const launches = (rows, stage, label, colour) => {
    const edge = extent_of(rows);
    const clamp = (value) => Math.max(-edge, Math.min(edge, value));
    const data = rows.flatMap((row, i) => (row[stage] ?? []).map((part) => ({ x: clamp(100 * part), y: i, note: percent(part) })));
    return data.length === 0 ? [] : [{
      label, data, borderColor: gradproof.colour(colour), backgroundColor: gradproof.fade(gradproof.colour(colour), 0.35),
      pointStyle: "circle", pointRadius: 3, pointHoverRadius: 5, clip: false, order: 2,
    }];
  };

  const draw = (figure, rows, datasets) => {
    const plot = figure.querySelector(".plot");
    plot.style.height = `${rows.length * row_height + 96}px`;
    const most = most_letters(plot), edge = extent_of(rows);
    return new Chart(figure.querySelector("canvas"), {
      type: "scatter",
      data: { datasets },
      plugins: [bands, intervals, gradproof.marks],
      options: {
        layout: { padding: { right: 14 } },
        scales: {
          x: gradproof.axis("change of time, %: slower to the right", { min: -edge, max: edge, ticks: { callback: (value) => `${value > 0 ? "+" : ""}${value}` } }),
          y: {
            min: -0.5, max: rows.length - 0.5, reverse: true,
            afterBuildTicks: (axis) => { axis.ticks = rows.map((_, i) => ({ value: i })); },
            ticks: {
              callback: (i) => [shortened(rows[i].name, most), shortened(without_op(rows[i].case), most)], autoSkip: false, color: gradproof.colour("ink"),
              font: { size: 11 },
            },
            grid: { color: gradproof.colour("grid"), drawTicks: false, borderColor: gradproof.colour("rule") },
          },
        },
        plugins: {
          bands: { rows },
          marks: { lines: [{ value: 0, label: "no change" }] },
          legend: { labels: { padding: 12 } },
          tooltip: {
            callbacks: {
              title: ([item]) => [rows[item.raw.y].name, rows[item.raw.y].case],
              label: (item) => ` ${item.dataset.label}: ${item.raw.note}`,
            },
          },
        },
      },
    });
  };

  gradproof.charts.forest = (figure, data) => {
    const { rows, all } = data.gate;
    if (rows.length === 0) return null;
    if (rows.length < all) gradproof.note(figure, `The ${rows.length} gravest of ${all} rows and pools; the tables have them all.`);
    return draw(figure, rows, [...estimates(rows), ...launches(rows, "screened", "launch on screening", "series-1")]);
  };

  gradproof.charts.controls = (figure, data) => {
    const rows = data.gate.controls;
    if (rows.length === 0) return null;
    return draw(figure, rows, [
      ...launches(rows, "screened", "launch on screening", "series-1"), ...launches(rows, "confirmed", "launch on fresh data", "series-2"),
    ]);
  };
})();
