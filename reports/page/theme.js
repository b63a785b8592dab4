// The charts take every colour and font from the style sheet, so light and dark are decided in one place.
"use strict";
(() => {
  const style = () => getComputedStyle(document.documentElement);
  const read = (name) => style().getPropertyValue(name).trim();

  gradproof.colour = (name) => read(`--${name}`);

  // Eight hues that differ in lightness too; more series than that repeat hues with another point shape.
  const hues = 8;
  const shapes = ["circle", "rect", "triangle", "rectRot", "star", "crossRot", "dash"];
  gradproof.series = (index) => ({
    colour: read(`--series-${(index % hues) + 1}`),
    shape: shapes[Math.floor(index / hues) % shapes.length],
  });

  gradproof.fade = (colour, alpha) => Chart.helpers.color(colour).alpha(alpha).rgbString();

  gradproof.apply_theme = () => {
    const d = Chart.defaults;
    d.animation = false;
    d.maintainAspectRatio = false;
    d.color = read("--soft");
    d.borderColor = read("--rule");
    d.font.family = style().fontFamily;
    d.font.size = 12;
    d.plugins.legend.position = "top";
    d.plugins.legend.align = "start";
    Object.assign(d.plugins.legend.labels, { usePointStyle: true, boxWidth: 8, boxHeight: 8, padding: 14 });
    Object.assign(d.plugins.tooltip, {
      backgroundColor: read("--raised"), titleColor: read("--ink"), bodyColor: read("--ink"), borderColor: read("--rule"),
      borderWidth: 1, cornerRadius: 4, padding: 10, boxPadding: 4, usePointStyle: true,
    });
  };

  gradproof.axis = (title, more) => ({
    title: { display: true, text: title, color: read("--soft") },
    grid: { color: read("--grid"), borderColor: read("--rule"), tickLength: 4 },
    ...more,
  });

  // Ticks of a logarithmic axis at powers of ten only, since anything between cannot be read anyway.
  const superscript = (n) => String(n).replace(/[-0-9]/g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
  gradproof.power_of_ten = (value) => {
    const power = Math.log10(value);
    if (Math.abs(power - Math.round(power)) > 1e-6) return null;
    return Math.abs(power) <= 3 ? String(Number(value.toPrecision(3))) : `10${superscript(Math.round(power))}`;
  };
  gradproof.log_axis = (title, min, max, more) =>
    gradproof.axis(title, {
      type: "logarithmic", min, max,
      afterBuildTicks: (scale) => {
        const ticks = [];
        for (let p = Math.ceil(Math.log10(scale.min) - 1e-9); p <= Math.log10(scale.max) + 1e-9; ++p) ticks.push({ value: 10 ** p });
        const every = Math.ceil(ticks.length / 9);
        scale.ticks = ticks.filter((_, i) => i % every === 0);
      },
      ...more,
      ticks: { callback: gradproof.power_of_ten, maxRotation: 0, autoSkip: false },
    });

  gradproof.three_digits = (v) => (v === undefined ? "–" : Number(v.toPrecision(3)).toLocaleString("en"));
  gradproof.bytes = (v) => {
    const units = ["B", "KiB", "MiB", "GiB"];
    let i = 0;
    for (; v >= 1024 && i + 1 < units.length; ++i) v /= 1024;
    return `${Number(v.toPrecision(3))} ${units[i]}`;
  };
})();
