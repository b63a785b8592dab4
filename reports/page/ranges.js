// Charts with one row a name and, in each row, one mark a series: ranges with quartiles, or plain dots.
"use strict";
(() => {
  const row_height = 24;

  // Every series gets its own lane inside the row, so that ranges never hide each other.
  const lane = (series, count) => (count < 2 ? 0 : (series / (count - 1) - 0.5) * Math.min(0.62, 0.2 * (count - 1)));

  // A thin line over the whole range, a thick one over the middle half, under the dot that Chart.js draws.
  const ranges = {
    id: "ranges",
    beforeDatasetsDraw(chart) {
      const { ctx, scales: { x, y } } = chart;
      const stroke = (from, to, at, width, colour) => {
        ctx.lineWidth = width;
        ctx.strokeStyle = colour;
        ctx.beginPath();
        ctx.moveTo(x.getPixelForValue(from), at);
        ctx.lineTo(x.getPixelForValue(to), at);
        ctx.stroke();
      };
      ctx.save();
      ctx.lineCap = "round";
      chart.data.datasets.forEach((set, i) => {
        if (!chart.isDatasetVisible(i)) return;
        for (const point of set.data) {
          if (!point.range) continue;
          const [min, q1, , q3, max] = point.range;
          const at = y.getPixelForValue(point.y);
          stroke(min, max, at, 1.25, gradproof.fade(set.borderColor, 0.7));
          stroke(q1, q3, at, 4, gradproof.fade(set.borderColor, 0.45));
        }
      });
      ctx.restore();
    },
  };

  // A dashed line at each value that means something, named at its top.
  const marks = {
    id: "marks",
    beforeInit(chart) {
      const legend = chart.legend;
      const fit = legend.fit;
      legend.fit = function fit_with_room_for_names() {
        fit.call(legend);
        legend.height += 16;
      };
    },
    afterDatasetsDraw(chart, _, options) {
      const { ctx, chartArea: area, scales: { x } } = chart;
      ctx.save();
      ctx.font = `12px ${Chart.defaults.font.family}`;
      ctx.textBaseline = "alphabetic";
      for (const mark of options.lines ?? []) {
        const at = x.getPixelForValue(mark.value);
        if (at < area.left - 1 || at > area.right + 1) continue;
        ctx.strokeStyle = ctx.fillStyle = gradproof.colour(mark.tone ?? "soft");
        ctx.lineWidth = 1;
        ctx.setLineDash([4, 3]);
        ctx.beginPath();
        ctx.moveTo(at, area.top);
        ctx.lineTo(at, area.bottom);
        ctx.stroke();
        const right = at + ctx.measureText(mark.label).width + 6 > area.right;
        ctx.textAlign = right ? "right" : "left";
        ctx.fillText(mark.label, at + (right ? -4 : 4), area.top - 5);
      }
      ctx.restore();
    },
  };

  gradproof.marks = marks;

  // rows: names from top to bottom. series: [{name, points: [{row, x, range?, note}]}]. scale: the x axis.
  gradproof.range_chart = (figure, { rows, series, scale, lines }) => {
    const plot = figure.querySelector(".plot");
    const long = Math.max(...rows.map((name) => name.length));
    const legend_lines = Math.ceil(series.length / Math.max(1, Math.floor(plot.clientWidth / 110)));
    plot.style.height = `${rows.length * row_height + 90 + legend_lines * 24}px`;
    const shown = (name) => {
      const most = Math.max(14, Math.floor(plot.clientWidth / 22));
      return name.length > most ? `${name.slice(0, most - 1)}…` : name;
    };
    const datasets = series.map((one, i) => {
      const { colour, shape } = gradproof.series(i);
      return {
        label: one.name,
        data: one.points.map((p) => ({ x: p.x, y: rows.indexOf(p.row) + lane(i, series.length), range: p.range, note: p.note })),
        borderColor: colour, backgroundColor: colour, pointStyle: shape, pointRadius: 3.5, pointHoverRadius: 6, clip: false,
      };
    });
    return new Chart(figure.querySelector("canvas"), {
      type: "scatter",
      data: { datasets },
      plugins: [ranges, marks],
      options: {
        layout: { padding: { right: 14 } },
        scales: {
          x: scale,
          y: {
            min: -0.6, max: rows.length - 0.4, reverse: true,
            afterBuildTicks: (axis) => { axis.ticks = rows.map((_, i) => ({ value: i })); },
            ticks: { callback: (i) => shown(rows[i]), autoSkip: false, color: gradproof.colour("ink"), padding: long > 0 ? 6 : 0 },
            grid: { color: gradproof.colour("grid"), drawTicks: false, borderColor: gradproof.colour("rule") },
          },
        },
        plugins: {
          marks: { lines },
          legend: { display: series.length > 1, labels: { padding: 12 } },
          tooltip: {
            callbacks: {
              title: ([item]) => rows[Math.round(item.raw.y)],
              label: (item) => ` ${item.dataset.label}: ${item.raw.note}`,
            },
          },
        },
      },
    });
  };

  const group = (checks, field) => checks.filter((check) => check[field]);
  const oracles_of = (checks) => [...new Set(checks.map((check) => check.oracle))];

  gradproof.charts = {
    digits(figure, data) {
      const checks = group(data.checks, "digits");
      if (checks.length === 0) return null;
      const least = (op) => Math.min(...checks.filter((c) => c.op === op).map((c) => c.digits[0]));
      const rows = [...new Set(checks.map((c) => c.op))].sort((a, b) => least(a) - least(b));
      const series = oracles_of(checks).map((oracle) => ({
        name: oracle,
        points: checks.filter((c) => c.oracle === oracle).map((c) => ({
          row: c.op, x: c.digits[2], range: c.digits,
          note: `${c.digits[0]} to ${c.digits[4]} digits, median ${c.digits[2]}`,
        })),
      }));
      const top = Math.max(...checks.map((c) => c.digits[4]));
      return gradproof.range_chart(figure, {
        rows, series,
        scale: gradproof.axis("decimal digits of agreement", { min: Math.min(0, ...rows.map(least)), max: Math.ceil((top + 1) / 5) * 5 }),
        lines: [{ value: 18, label: "18 expected" }],
      });
    },

    ratios(figure, data) {
      const checks = group(data.checks, "ratios");
      if (checks.length === 0) return null;
      const floor = 1e-5;  // exact results sit at the left edge: a logarithm has no zero
      const ceiling = 10 ** Math.ceil(Math.log10(Math.max(3, ...checks.map((c) => c.ratios[4]))));
      const clamp = (v) => Math.max(floor, v);
      const worst = (op) => Math.max(...checks.filter((c) => c.op === op).map((c) => c.ratios[4]));
      const rows = [...new Set(checks.map((c) => c.op))].sort((a, b) => worst(b) - worst(a));
      const erring = oracles_of(checks.filter((c) => c.ratios[4] > 0));  // an oracle that is always exact needs no lane
      const series = (erring.length > 0 ? erring : oracles_of(checks)).map((oracle) => ({
        name: oracle,
        points: checks.filter((c) => c.oracle === oracle).map((c) => ({
          row: c.op, x: clamp(c.ratios[4]), range: c.ratios.map(clamp),
          note: c.ratios[4] === 0 ? "no error at all" : `worst ${gradproof.three_digits(c.ratios[4])}, median ${gradproof.three_digits(c.ratios[2])}`,
        })),
      }));
      return gradproof.range_chart(figure, {
        rows, series,
        scale: gradproof.log_axis(`error / bound (${gradproof.power_of_ten(floor)} or less at the edge)`, floor, ceiling),
        lines: [{ value: 1, label: "bound", tone: "bad" }, { value: 1e-3, label: "too loose", tone: "soft" }],
      });
    },
  };
})();
