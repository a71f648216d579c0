// The ledger in colour, with a bar a heading, and a filter by verdict and text.
'use strict';

(() => {
    const VERDICTS = ['holds', 'imprecise', 'refuted', 'outdated'];
    const [FILTER, SHOWN] = document.documentElement.lang === 'zh' ? ['筛选', '条'] : ['Filter', 'shown'];
    const tables = [...document.querySelectorAll('main table')].filter((table) => table.querySelector('[id^="claim-"]'));
    const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
    if (rows.length === 0) {
        return;
    }

    function element(name, properties, ...children) {
        const made = Object.assign(document.createElement(name), properties);
        made.append(...children);
        return made;
    }

    for (const row of rows) {
        const [, verdict] = row.cells[3].textContent.trim().split(' ');
        row.dataset.verdict = verdict;
        row.cells[3].replaceChildren(element('span', { className: 'verdict' }, verdict));
    }

    function bar(ofRows) {
        const parts = VERDICTS.map((verdict) => {
            const count = ofRows.filter((row) => row.dataset.verdict === verdict).length;
            const part = element('span', { title: `${verdict} ${count}`, hidden: count === 0 }, `${count}`);
            part.dataset.verdict = verdict;
            part.style.flexGrow = count;
            return part;
        });
        return element('p', { className: 'bar' }, ...parts);
    }

    // The heading and the squares stand before the table.
    const parts = tables.map((table) => {
        const body = table.closest('.table-wrapper') ?? table;
        const ofTable = [...table.tBodies[0].rows];
        const inSquares = body.previousElementSibling;
        const ofHeading = bar(ofTable);
        inSquares.replaceWith(ofHeading);
        return { elements: [ofHeading.previousElementSibling, ofHeading, body], rows: ofTable };
    });

    const text = element('input', { type: 'search', placeholder: FILTER, ariaLabel: FILTER });
    const boxes = VERDICTS.map((verdict) => element('input', { type: 'checkbox', checked: true, value: verdict }));
    const shown = element('output');
    const labels = boxes.map((box) => {
        const label = element('label', {}, box, element('span', { className: 'verdict' }, box.value));
        label.dataset.verdict = box.value;
        return label;
    });
    const form = element('form', { className: 'filter' }, text, ...labels, shown);

    function filter() {
        const verdicts = boxes.filter((box) => box.checked).map((box) => box.value);
        const words = text.value.toLowerCase().split(/\s+/);
        for (const row of rows) {
            const content = row.textContent.toLowerCase();
            row.hidden = !(verdicts.includes(row.dataset.verdict) && words.every((word) => content.includes(word)));
        }
        for (const part of parts) {
            const isEmpty = part.rows.every((row) => row.hidden);
            part.elements.forEach((each) => { each.hidden = isEmpty; });
        }
        shown.textContent = `${rows.filter((row) => !row.hidden).length} ${SHOWN}`;
    }

    form.addEventListener('input', filter);
    parts[0].elements[0].before(bar(rows), form);
    filter();
})();
