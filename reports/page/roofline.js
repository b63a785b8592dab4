// GFLOP/s against flops per byte, under the measured roofs of the chosen thread count and instruction set.
"use strict";
(() => {
  // Buttons to choose one of several views; returns nothing when there is nothing to choose.
  gradproof.choices = (figure, options, chosen, choose) => {
    const box = figure.querySelector(".choice");
    box.hidden = options.length < 2;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "View");
    box.replaceChildren(...options.map((option) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = option.name;
      button.setAttribute("aria-pressed", String(option.key === chosen));
      button.onclick = () => choose(option.key);
      return button;
    }));
  };

  const views_of = (data) => {
    const views = new Map();
    for (const t of data.timings) {
      const key = `${t.isa}|${t.threads}`;
      const name = `${t.isa ? `${t.isa}, ` : ""}${t.threads} thread${t.threads === 1 ? "" : "s"}`;
      const view = views.get(key) ?? { key, name, isa: t.isa, threads: t.threads, timings: [] };
      view.timings.push(t);
      views.set(key, view);
    }
    return [...views.values()].sort((a, b) => b.timings.length - a.timings.length || a.threads - b.threads);
  };
  gradproof.views_of = views_of;

  const best = (roofs) => roofs.reduce((top, roof) => (!top || roof.value > top.value ? roof : top), null);

  // Bandwidth does not depend on the instruction set as arithmetic does, so any set of it will serve.
  const roofs_for = (data, view) => {
    const same = data.roofs.filter((r) => r.threads === view.threads);
    const compute = best(same.filter((r) => r.name === "fma" && (!r.isa || r.isa === view.isa)));
    const levels = ["l1", "l2", "l3", "memory"];
    const bandwidth = levels.map((level) => best(same.filter((r) => r.name !== "fma" && r.level === level))).filter(Boolean);
    return { compute, bandwidth };
  };

  const power_below = (v) => 10 ** Math.floor(Math.log10(v));
  const power_above = (v) => 10 ** Math.ceil(Math.log10(v));

  const line = (points, label, strong) => ({
    type: "line", label, data: points, roof: true,
    borderColor: gradproof.colour(strong ? "ink" : "soft"), borderWidth: strong ? 1.75 : 1, borderDash: strong ? [] : [5, 4],
    pointRadius: 0, pointHitRadius: 0,
  });

  const roof_lines = ({ compute, bandwidth }, x_min, x_max) => {
    const peak = compute?.value ?? Infinity;
    const lines = bandwidth.map((roof) => {
      const knee = Math.min(x_max, peak / roof.value);
      return line([{ x: x_min, y: x_min * roof.value }, { x: knee, y: knee * roof.value }],
        `${roof.level} ${gradproof.three_digits(roof.value)} GB/s`, roof.level === "memory");
    });
    const first_knee = Math.min(x_max, ...bandwidth.map((roof) => peak / roof.value));
    if (compute) {
      lines.push(line([{ x: bandwidth.length ? first_knee : x_min, y: peak }, { x: x_max, y: peak }],
        `compute ${gradproof.three_digits(peak)} GFLOP/s`, true));
    }
    return lines;
  };

  // Names stand on the lines themselves, turned along the slope, so that no legend has to be looked up.
  const roof_names = {
    id: "roof_names",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea: area, scales: { x, y } } = chart;
      ctx.save();
      ctx.font = `12px ${Chart.defaults.font.family}`;
      ctx.textBaseline = "alphabetic";
      ctx.beginPath();
      ctx.rect(area.left, area.top, area.width, area.height);
      ctx.clip();
      for (const set of chart.data.datasets.filter((one) => one.roof)) {
        const [from, to] = set.data.map((p) => ({ x: x.getPixelForValue(p.x), y: y.getPixelForValue(p.y) }));
        const slope = (to.y - from.y) / Math.max(1, to.x - from.x);
        const flat = Math.abs(slope) < 1e-6;
        let at = { x: from.x + 10, y: from.y - 7 };
        if (!flat) {
          const start = Math.max(area.left, from.x + (area.bottom - from.y) / slope);
          at = { x: start + 0.3 * (to.x - start), y: 0 };
          at.y = from.y + (at.x - from.x) * slope;
        }
        ctx.save();
        ctx.fillStyle = set.borderColor;
        ctx.translate(at.x, at.y);
        ctx.rotate(Math.atan(slope));
        ctx.textAlign = "left";
        ctx.lineWidth = 4;
        ctx.strokeStyle = gradproof.colour("raised");
        ctx.strokeText(set.label, 0, flat ? 0 : -6);
        ctx.fillText(set.label, 0, flat ? 0 : -6);
        ctx.restore();
      }
      ctx.restore();
    },
  };

  // Points go by operation, or by family where there are more operations than hues to tell apart.
  gradproof.grouped = (timings) => {
    const by_op = new Set(timings.map((t) => t.op)).size <= 8;
    const groups = new Map();
    for (const t of timings) {
      const name = by_op ? t.op : t.family || t.op;
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(t);
    }
    return [...groups];
  };

  const points_by_group = (timings) => {
    return gradproof.grouped(timings).map(([name, mine], i) => {
      const { colour, shape } = gradproof.series(i);
      const bad = gradproof.colour("bad");
      return {
        label: name, data: mine.map((t) => ({ x: t.intensity, y: t.gflops, timing: t })),
        backgroundColor: mine.map((t) => (t.above ? bad : gradproof.fade(colour, 0.75))),
        borderColor: mine.map((t) => (t.above ? bad : colour)),
        pointStyle: mine.map((t) => (t.above ? "crossRot" : shape)),
        pointRadius: mine.map((t) => (t.above ? 8 : 4.5)), borderWidth: mine.map((t) => (t.above ? 2.5 : 1)), pointHoverRadius: 7,
        legend: colour,
      };
    });
  };

  const tooltip = {
    filter: (item) => !item.dataset.roof,
    callbacks: {
      title: ([item]) => (item ? item.raw.timing.layer || item.raw.timing.case : ""),
      label: ({ raw: { timing: t } }) => [
        ` ${t.op} ${t.pass}, ${t.impl}`,
        ` ${gradproof.three_digits(t.gflops)} GFLOP/s, ${gradproof.three_digits(t.gbps)} GB/s`,
        ` ${t.roof === undefined ? "no roof measured" : `${Math.round(t.roof * 100)} % of its roof${t.above ? ": impossible" : ""}`}`,
      ],
    },
  };
  gradproof.timing_tooltip = tooltip;

  // A legend of operations only: the roofs are named where they are drawn.
  gradproof.operation_legend = () => ({
    labels: {
      filter: (item, { datasets }) => !datasets[item.datasetIndex].roof,
      generateLabels: (chart) => Chart.defaults.plugins.legend.labels.generateLabels(chart).map((item) => {
        const set = chart.data.datasets[item.datasetIndex];
        return set.legend ? { ...item, fillStyle: set.legend, strokeStyle: set.legend, lineWidth: 1, pointStyle: set.shape ?? "circle" } : item;
      }),
    },
  });

  const draw = (figure, data, view) => {
    const timings = view.timings.filter((t) => t.intensity > 0 && t.gflops > 0);
    const roofs = roofs_for(data, view);
    const xs = timings.map((t) => t.intensity);
    const peak = roofs.compute?.value ?? Math.max(...timings.map((t) => t.gflops));
    const knees = roofs.bandwidth.map((roof) => peak / roof.value);
    const x_min = power_below(Math.min(...xs, 0.1)), x_max = power_above(Math.max(...xs, ...knees, 10) * 1.5);
    const lowest = Math.min(...timings.map((t) => t.gflops), peak / 100);
    return new Chart(figure.querySelector("canvas"), {
      type: "scatter",
      data: { datasets: [...roof_lines(roofs, x_min, x_max), ...points_by_group(timings)] },
      plugins: [roof_names],
      options: {
        scales: {
          x: gradproof.log_axis("flops per byte", x_min, x_max),
          y: gradproof.log_axis("GFLOP/s", power_below(lowest), Math.max(peak, ...timings.map((t) => t.gflops)) * 1.6),
        },
        plugins: { legend: gradproof.operation_legend(), tooltip },
      },
    });
  };

  gradproof.charts.roofline = (figure, data) => {
    const views = views_of({ timings: data.timings.filter((t) => t.intensity > 0 && t.gflops > 0) });
    if (views.length === 0) return null;
    const show = (key) => {
      figure.dataset.view = key;
      Chart.getChart(figure.querySelector("canvas"))?.destroy();
      gradproof.choices(figure, views, key, show);
      return draw(figure, data, views.find((view) => view.key === key));
    };
    return show(views.some((v) => v.key === figure.dataset.view) ? figure.dataset.view : views[0].key);
  };
})();
