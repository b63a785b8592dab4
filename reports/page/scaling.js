// What more threads bring, and what the caches bring.
"use strict";
(() => {
  const most_rows = 40;

  const speedup_series = (scaling, rows) => {
    const passes = [...new Set(scaling.map((s) => s.pass))].sort();
    return passes.map((pass) => ({
      name: pass,
      points: scaling.filter((s) => s.pass === pass && rows.includes(s.layer)).map((s) => ({
        row: s.layer, x: s.speedup, note: `${s.speedup.toFixed(2)} times, ${s.impl}${s.isa ? `, ${s.isa}` : ""}, ${s.op}`,
      })),
    }));
  };

  gradproof.charts.threads = (figure, data) => {
    const to = Math.max(...data.scaling.map((s) => s.to));
    const scaling = data.scaling.filter((s) => s.to === to);
    if (scaling.length === 0) return null;
    const worst = new Map();
    for (const s of scaling) worst.set(s.layer, Math.min(s.speedup, worst.get(s.layer) ?? Infinity));
    const layers = [...worst.keys()].sort((a, b) => worst.get(a) - worst.get(b));
    const rows = layers.slice(0, most_rows);
    if (rows.length < layers.length) gradproof.note(figure, `The ${most_rows} weakest of ${layers.length} layers.`);
    const ideal = to / Math.min(...scaling.map((s) => s.from));
    const half_step = (v, round) => round(2 * v) / 2;
    const top = half_step(Math.max(ideal, ...scaling.map((s) => s.speedup)) + 0.1, Math.ceil);
    return gradproof.range_chart(figure, {
      rows, series: speedup_series(scaling, rows),
      scale: gradproof.axis(`speed-up at ${to} threads`, { min: half_step(Math.min(0.9, worst.get(rows[0])), Math.floor), max: top }),
      lines: [{ value: 1, label: "no gain" }, { value: ideal, label: "ideal" }],
    });
  };

  const bandwidth_lines = (roofs, threads) =>
    [...new Set(roofs.filter((r) => r.name !== "fma").map((r) => r.name))].sort().flatMap((name, i) => {
      const points = roofs.filter((r) => r.name === name && r.threads === threads && r.bytes > 0).map((r) => ({ x: r.bytes, y: r.value }));
      if (points.length === 0) return [];
      points.sort((a, b) => a.x - b.x);
      const colour = gradproof.colour(i % 2 === 0 ? "ink" : "soft");
      return [{
        type: "line", label: `measured ${name}`, data: points, borderColor: colour, backgroundColor: colour, borderWidth: 1.5,
        borderDash: [[], [6, 4], [2, 3], [8, 3, 2, 3]][i % 4], pointRadius: 2, measured: true,
      }];
    });

  const dots = (timings) => {
    return gradproof.grouped(timings).map(([name, mine], i) => {
      const { colour, shape } = gradproof.series(i);
      return {
        label: name, data: mine.map((t) => ({ x: t.bytes, y: t.gbps, timing: t })),
        backgroundColor: gradproof.fade(colour, 0.75), borderColor: colour, pointStyle: shape, pointRadius: 4, pointHoverRadius: 7,
      };
    });
  };

  const draw = (figure, data, view) => {
    const plot = figure.querySelector(".plot");
    const beside = document.querySelector('figure[data-chart="threads"] .plot');
    plot.style.height = `${Math.min(560, Math.max(380, beside?.clientHeight ?? 0))}px`;
    const caches = Object.entries(data.caches).map(([name, bytes]) => ({ value: bytes, label: name.toUpperCase().replace("L1D", "L1") }));
    const lines = bandwidth_lines(data.roofs, view.threads);
    const xs = [...view.timings.map((t) => t.bytes), ...caches.map((c) => c.value), ...lines.flatMap((l) => l.data.map((p) => p.x))];
    const powers = (scale) => {
      scale.ticks = [];
      for (let p = Math.ceil(Math.log2(scale.min) / 5) * 5; 2 ** p <= scale.max; p += 5) scale.ticks.push({ value: 2 ** p });
    };
    return new Chart(figure.querySelector("canvas"), {
      type: "scatter",
      data: { datasets: [...lines, ...dots(view.timings)] },
      plugins: [gradproof.marks],
      options: {
        layout: { padding: { right: 8 } },
        scales: {
          x: { ...gradproof.log_axis("working set", Math.min(...xs) / 1.6, Math.max(...xs) * 1.6), afterBuildTicks: powers,
               ticks: { callback: gradproof.bytes, maxRotation: 0, autoSkip: false } },
          y: gradproof.axis("GB/s", { beginAtZero: true }),
        },
        plugins: {
          marks: { lines: caches },
          tooltip: {
            callbacks: {
              title: ([item]) => (item.raw.timing ? gradproof.timing_tooltip.callbacks.title([item]) : item.dataset.label),
              label: (item) => (item.raw.timing ? gradproof.timing_tooltip.callbacks.label(item)
                : ` ${gradproof.bytes(item.raw.x)}: ${gradproof.three_digits(item.raw.y)} GB/s`),
            },
          },
        },
      },
    });
  };

  gradproof.charts["working-set"] = (figure, data) => {
    const by_threads = new Map();
    for (const t of data.timings.filter((one) => one.bytes > 0 && one.gbps > 0 && one.kind !== "compute")) {
      if (!by_threads.has(t.threads)) by_threads.set(t.threads, []);
      by_threads.get(t.threads).push(t);
    }
    const views = [...by_threads].sort((a, b) => a[0] - b[0])
      .map(([threads, timings]) => ({ key: String(threads), name: `${threads} thread${threads === 1 ? "" : "s"}`, threads, timings }));
    if (views.length === 0) return null;
    const show = (key) => {
      figure.dataset.view = key;
      Chart.getChart(figure.querySelector("canvas"))?.destroy();
      gradproof.choices(figure, views, key, show);
      return draw(figure, data, views.find((view) => view.key === key));
    };
    return show(by_threads.has(Number(figure.dataset.view)) ? figure.dataset.view : views[0].key);
  };
})();
