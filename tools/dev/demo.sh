# ./dev demo: an hour of seeded ad logs through the main job. A second call shows the same without making it again,
# unless the program is another one since.

DEMO_EVENTS=200000

demo() {
  setup_build
  build_preset release
  local logs=demo/logs data=demo/data
  local program
  program=$(cksum <"$ADWEAVE")
  if [ "$(cat demo/made_by 2>/dev/null)" != "$program" ]; then
    rm -rf "$logs" "$data"
    "$ADWEAVE" generate --events $DEMO_EVENTS --seed 1 --hours 1 --out "$logs" >/dev/null
    echo "$program" >demo/made_by
  fi
  echo "An hour of ad logs ($logs), read, validated, deduplicated, attributed, committed:"
  "$ADWEAVE" run -c "$logs/adweave.yaml" --data "$data"
  echo
  echo "KPIs by campaign:"
  "$ADWEAVE" report --data "$data" --by campaign_name,currency \
    --metrics impressions,clicks,conversions,spend,ctr,cvr,cpa,roas
  echo
  echo "Every record accounted for:"
  "$ADWEAVE" audit --data "$data"
  echo
  echo "Three of the records that were not taken, and why:"
  "$ADWEAVE" rejects list --data "$data" --source impressions --limit 3
  cat <<TEXT

The lake lies in $data/lake (Parquet), the ledger in $data/ledger. Next:
  ./dev run report --data $data --by hour,website --metrics impressions,ctr
  ./dev run sql --data $data "SELECT touch_kind, count(*) AS conversions FROM attributed_conversions GROUP BY 1"
  ./dev run rejects show --data $data POSITION
  ./dev run run -c config/examples/case_study.yaml --data demo/case_study
TEXT
}
