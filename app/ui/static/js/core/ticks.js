/** Round numbers for an axis from low to high: steps of 1, 2 or 5 times a power of ten, `count` of them or fewer. */
export function ticks(low, high, count = 6) {
  const span = Math.max(high - low, 1e-9);
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.999);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const out = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) out.push(Number((i * step).toFixed(digits)));
  return out;
}

/** 42 s, 3:05 min, 1:02 h. */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pair = (big, small) => `${big}:${String(small).padStart(2, "0")}`;
  if (whole < 3600) return `${pair(Math.floor(whole / 60), whole % 60)} min`;
  return `${pair(Math.floor(whole / 3600), Math.floor((whole % 3600) / 60))} h`;
}
