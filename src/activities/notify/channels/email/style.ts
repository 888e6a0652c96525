/** For mail programs: a few old properties, nothing fetched, nothing that a missing style sheet would make unreadable. */
export const MAIL_CSS = `
body{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;font-size:16px;line-height:1.45;max-width:720px;margin:0 auto;padding:16px}
h1{font-size:20px;margin:16px 0 8px;word-break:break-word}
h2{font-size:16px;margin:20px 0 6px}
h3{font-size:14px;margin:10px 0 4px}
article+article{border-top:3px solid #888;margin-top:32px}
section{border-left:4px solid #888;padding-left:12px}
.voice-holdpoint{border-color:#1a7f37}
.voice-call{border-color:#0550ae}
.voice-agent,.voice-reviewer{border-color:#9a6700}
dl{margin:0}
dt{font-weight:600}
dd{margin:0 0 6px;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:14px;border:1px solid #888;padding:8px;margin:4px 0}
blockquote{margin:4px 0;padding-left:10px;border-left:2px dotted #9a6700;font-style:italic}
blockquote p{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
table{border-collapse:collapse;font-size:14px}
th,td{border:1px solid #888;padding:2px 6px;text-align:left;overflow-wrap:anywhere}
.wide{overflow-x:auto}
.warning{font-weight:600;border:2px solid #bc4c00;padding:6px}
a.door{display:inline-block;padding:12px 20px;background:#0550ae;color:#fff;text-decoration:none;border-radius:6px;font-weight:600}
.foot{font-size:13px;color:#666}
`;
