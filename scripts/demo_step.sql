-- After a step of demo.sql: did the last statement end with SQLSTATE :expect, and with :rows rows when that is set?
\set state :SQLSTATE
\set count :ROW_COUNT
\set ECHO none
\if :{?rows}
\else
    \set rows :count
\endif
\set as_expected false
\set refusal false
SELECT :'state' = :'expect' AND :'count' = :'rows' AS as_expected, :'expect' <> '00000' AS refusal \gset
\if :as_expected
    \if :refusal
        \echo '    refused, as it must be: SQLSTATE' :state '\n'
    \endif
\else
    \echo '    NOT AS EXPECTED: SQLSTATE' :state 'and' :count 'rows instead of' :expect 'and' :rows '\n'
    \set surprises 1
\endif
\set expect 00000
\unset rows
\set ECHO queries
