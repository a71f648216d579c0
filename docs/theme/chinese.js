// Chinese text is marked as such, and found by the search: mdBook's index holds no Han.
'use strict';

(() => {
    const HAN = /\p{Script=Han}/u;

    // Screen readers pronounce it and browsers choose its glyphs by this mark.
    function mark() {
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const found = [];
        while (texts.nextNode()) {
            if (HAN.test(texts.currentNode.data) && !texts.currentNode.parentElement.closest('script, [lang]:not(html)')) {
                found.push(texts.currentNode);
            }
        }
        for (const text of found) {
            text.replaceWith(...text.data.split(/((?:\p{Script=Han}|[，。：；、？！“”（）《》])+)/u).map((part, nth) => {
                if (nth % 2 === 0) {
                    return part;
                }
                const span = document.createElement('span');
                span.lang = 'zh';
                span.textContent = part;
                return span;
            }));
        }
    }

    // What searcher.js shows of a section: its text from a little before the word, which stands alone.
    function result(ref, doc, words) {
        const text = `${doc.title} ${doc.body}`.toLowerCase();
        if (!words.every((word) => text.includes(word))) {
            return [];
        }
        const times = (where) => words.reduce((sum, word) => sum + where.toLowerCase().split(word).length - 1, 0);
        const start = Math.max(doc.body.toLowerCase().indexOf(words.find((word) => HAN.test(word))) - 20, 0);
        const teaser = words.reduce((body, word) => body.replaceAll(word, ` ${word} `), doc.body.slice(start, start + 120));
        return [{ ref, doc: { ...doc, body: teaser }, score: times(doc.body) + 10 * times(doc.title) }];
    }

    function search(index, words) {
        const found = Object.entries(index.documentStore.docs).flatMap(([ref, doc]) => result(ref, doc, words));
        return found.sort((one, other) => other.score - one.score);
    }

    if (document.documentElement.lang !== 'zh') {
        mark();
    }
    if (window.elasticlunr) {
        const { prototype } = window.elasticlunr.Index;
        const searchWords = prototype.search;
        prototype.search = function (text, options) {
            return HAN.test(text) ? search(this, text.toLowerCase().split(/\s+/)) : searchWords.call(this, text, options);
        };
    }
})();
