"""The style sheet of the page: dark on white, one column on a phone, wide things scroll by themselves."""

STYLE = """
body { margin: 0; background: #fff; color: #1a1a1a; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 8px 0 16px; }
h2 { font-size: 1.25rem; margin: 40px 0 8px; border-top: 1px solid #ddd; padding-top: 20px; }
p { max-width: 75ch; margin: 8px 0 12px; }
.faint { color: #5a5a5a; font-weight: 400; }
.tops { display: flex; flex-wrap: wrap; gap: 12px; }
.top { flex: 1 1 150px; border: 1px solid #ccc; border-radius: 8px; padding: 10px 14px; }
.top b { display: block; font-size: 1.8rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.top span { color: #5a5a5a; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px; text-align: right; white-space: nowrap; border-bottom: 1px solid #e5e5e5; }
th:first-child { text-align: left; }
tbody th { font-weight: 400; }
thead th { vertical-align: bottom; white-space: normal; min-width: 4em; }
table.wide tbody th { white-space: normal; min-width: 9em; max-width: 34em; }
tr.split th { padding-top: 16px; border-bottom: 1px solid #999; white-space: normal; }
tr.model th, tr.model td { font-weight: 600; }
.plots, .walls { display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start; }
.column { display: flex; flex-direction: column; gap: 16px; }
svg { max-width: 100%; height: auto; }
figure { margin: 0; }
.walls figure { flex: 1 1 300px; max-width: 560px; margin-bottom: 16px; }
.walls figcaption { font-weight: 600; }
img { max-width: 100%; height: auto; }
.wall { display: grid; grid-template-columns: repeat(auto-fill, minmax(276px, 1fr)); gap: 10px; margin-top: 12px; }
.wall figure { padding: 6px; box-sizing: border-box; border: 1px solid #ccc; border-radius: 6px; }
.wall img { width: 126px; height: 126px; object-fit: contain; margin: 0 2px 4px 0; border: 1px solid #e5e5e5; }
.wall figcaption { font-size: 0.75rem; line-height: 1.35; overflow-wrap: anywhere; }
.wall .bad { border: 2px solid #b91c1c; padding: 5px; }
.bad .mark, .bad b { color: #b91c1c; font-weight: 700; }
.good .mark { color: #15803d; font-weight: 700; }
summary { cursor: pointer; margin: 8px 0; font-weight: 600; }
"""
