/**
 * A curated set of emoji with the words by which people look for them, in English and Chinese. One line each:
 * `emoji|English words|Chinese words`. Loaded with the picker only.
 */
import type { MessageId } from '../i18n/messages-en.ts';

export interface Emoji {
  readonly emoji: string;
  readonly english: string;
  readonly chinese: string;
}

export interface EmojiGroup {
  readonly title: MessageId;
  readonly emoji: readonly Emoji[];
}

function read(lines: string): Emoji[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [emoji = '', english = '', chinese = ''] = line.split('|');
      return { emoji, english, chinese };
    });
}

export const emojiGroups: readonly EmojiGroup[] = [
  {
    title: 'message.emojiSmileys',
    emoji: read(`
😀|grinning face smile happy|笑脸 开心 高兴
😃|smiling face big eyes happy|大笑 开心
😄|smile laughing eyes happy|眯眼笑 开心
😁|beaming grin|咧嘴笑
😆|laughing squint haha|大笑 哈哈
😅|sweat smile relief phew|苦笑 汗
🤣|rolling on the floor laughing rofl|笑翻 打滚
😂|tears of joy laughing lol|笑哭 哭笑
🙂|slight smile|微笑
🙃|upside down|倒脸 无奈
😉|wink|眨眼
😊|blush smile warm|害羞 微笑
😇|angel halo innocent|天使 无辜
🥰|love hearts adore|爱心 喜欢
😍|heart eyes love|花痴 爱
🤩|star struck wow|崇拜 星星眼
😘|kiss blow|飞吻 亲亲
😋|yum delicious tasty|好吃 馋
😛|tongue out|吐舌头
😜|wink tongue crazy|调皮
🤪|zany goofy crazy|疯狂 滑稽
🤗|hug|抱抱 拥抱
🤭|giggle hand over mouth oops|偷笑 捂嘴
🤫|shush quiet secret|嘘 安静
🤔|thinking hmm|思考 想想
🤨|raised eyebrow doubt|怀疑 挑眉
😐|neutral meh|面无表情
😑|expressionless|无语
😶|no mouth silent|沉默
🙄|eye roll|白眼 无语
😏|smirk|得意 坏笑
😬|grimace awkward|尴尬 呲牙
😌|relieved calm|释然 安心
😴|sleeping tired zzz|睡觉 困
😪|sleepy|困 犯困
🤤|drooling|流口水
😷|mask sick|口罩 生病
🤒|fever ill sick|发烧 生病
🤕|hurt bandage|受伤
🤢|nauseated sick|恶心
🥵|hot heat|好热
🥶|cold freezing|好冷 冻
😵|dizzy|晕
🤯|mind blown exploding|震惊 爆炸
🥳|party celebrate birthday|庆祝 派对 生日
😎|cool sunglasses|酷 墨镜
🤓|nerd glasses|书呆子 学霸
🧐|monocle inspect|仔细看
😕|confused|困惑
😟|worried|担心
🙁|frown sad|难过
😮|wow surprised open mouth|惊讶 哇
😲|astonished shocked|吃惊 震惊
😳|flushed embarrassed|脸红 尴尬
🥺|pleading please puppy eyes|求求 可怜
😨|fearful scared|害怕
😰|anxious sweat|焦虑 紧张
😥|sad relieved|失望
😢|cry sad tear|哭 伤心 流泪
😭|sob crying loudly|大哭 痛哭
😱|scream fear|尖叫 恐怖
😞|disappointed|失望
😓|downcast sweat|汗 累
😩|weary tired|疲惫
😤|huff triumph steam|生气 哼
😠|angry|生气
😡|rage mad furious|愤怒 发火
🤬|swearing cursing|骂人
💀|skull dead|骷髅 笑死
💩|poop|便便
🤡|clown|小丑
👻|ghost boo|鬼 幽灵
🤖|robot bot|机器人
😺|cat smile|猫 笑猫
🙈|see no evil monkey|不看 捂眼
`),
  },
  {
    title: 'message.emojiGestures',
    emoji: read(`
👍|thumbs up yes good like ok|赞 好 点赞 同意
👎|thumbs down no bad dislike|踩 不行 反对
👌|ok hand perfect|好的 可以
✌️|victory peace two|耶 胜利
🤞|fingers crossed luck hope|祈祷 好运
🤟|love you gesture|爱你
🤘|rock on|摇滚
🤙|call me shaka|打电话
👈|point left|左边
👉|point right|右边
👆|point up|上面
👇|point down|下面
☝️|one index up|注意 一
✋|raised hand stop high five|停 举手
👋|wave hello bye|你好 再见 挥手
🖖|vulcan salute|瓦肯
👏|clap applause bravo|鼓掌
🙌|raised hands hooray praise|万岁 举双手
🤝|handshake deal agree|握手 合作
🙏|please thanks pray folded hands|谢谢 拜托 祈祷
💪|muscle strong flex|加油 强壮 肌肉
✊|fist solidarity|拳头
👊|fist bump punch|碰拳
🫡|salute yes sir|敬礼 收到
🫶|heart hands love|比心
✍️|writing|写字
👀|eyes look watching|看 围观
🧠|brain smart|大脑 聪明
🙋|raising hand question me|举手 我
🤷|shrug dont know|耸肩 不知道
🤦|facepalm|捂脸 无语
🙇|bow sorry|鞠躬 抱歉
🏃|running|跑步 快跑
🚶|walking|走路
💃|dance|跳舞
👶|baby|宝宝 婴儿
👨‍💻|developer coder man|程序员
👩‍💻|developer coder woman|程序员
👪|family|家庭 家人
`),
  },
  {
    title: 'message.emojiNature',
    emoji: read(`
🐶|dog puppy|狗
🐱|cat kitten|猫
🐭|mouse|老鼠
🐰|rabbit bunny|兔子
🦊|fox|狐狸
🐻|bear|熊
🐼|panda|熊猫
🐯|tiger|老虎
🦁|lion|狮子
🐮|cow|牛
🐷|pig|猪
🐸|frog|青蛙
🐵|monkey|猴子
🐔|chicken|鸡
🐧|penguin|企鹅
🦄|unicorn|独角兽
🐝|bee busy|蜜蜂
🦋|butterfly|蝴蝶
🐢|turtle slow|乌龟 慢
🐍|snake python|蛇
🐙|octopus|章鱼
🐬|dolphin|海豚
🐉|dragon|龙
🌸|cherry blossom flower|樱花 花
🌹|rose flower|玫瑰
🌻|sunflower|向日葵
🌲|tree evergreen|树
🍀|clover luck|四叶草 幸运
🍁|maple leaf autumn|枫叶 秋天
🌞|sun sunny|太阳
🌙|moon night|月亮 晚安
⭐|star|星星
⚡|lightning fast|闪电 快
🔥|fire hot lit|火 厉害
🌈|rainbow|彩虹
☁️|cloud|云
🌧️|rain|下雨
❄️|snow cold winter|雪 冬天
🌊|wave sea|海浪 大海
`),
  },
  {
    title: 'message.emojiFood',
    emoji: read(`
🍎|apple|苹果
🍊|orange tangerine|橘子
🍌|banana|香蕉
🍉|watermelon|西瓜 吃瓜
🍇|grapes|葡萄
🍓|strawberry|草莓
🍑|peach|桃子
🥑|avocado|牛油果
🍅|tomato|西红柿 番茄
🥕|carrot|胡萝卜
🌶️|chili hot spicy|辣椒 辣
🍞|bread|面包
🧀|cheese|奶酪
🍳|egg breakfast cooking|煎蛋 早餐
🍔|burger|汉堡
🍟|fries|薯条
🍕|pizza|披萨
🌮|taco|塔可
🍜|noodles ramen|面条 拉面
🥟|dumpling|饺子
🍚|rice|米饭
🍣|sushi|寿司
🍲|hotpot stew|火锅
🍰|cake|蛋糕
🎂|birthday cake|生日蛋糕
🍪|cookie|饼干
🍫|chocolate|巧克力
🍦|ice cream|冰淇淋
☕|coffee tea hot drink|咖啡
🍵|green tea|茶 喝茶
🧋|bubble milk tea|奶茶
🍺|beer|啤酒
🍻|cheers beers|干杯
🥂|champagne cheers|香槟 庆祝
🍷|wine|红酒
`),
  },
  {
    title: 'message.emojiThings',
    emoji: read(`
🎉|party popper congratulations tada|庆祝 恭喜 撒花
🎊|confetti|彩球 庆祝
🎁|gift present|礼物
🧧|red envelope packet|红包
🏮|lantern|灯笼
🎈|balloon|气球
🏆|trophy win|奖杯 冠军
🥇|gold medal first|金牌 第一
⚽|football soccer|足球
🏀|basketball|篮球
🏓|table tennis ping pong|乒乓球
🎮|game controller|游戏
🎲|dice|骰子
🎵|music note|音乐
🎸|guitar|吉他
🎬|film movie|电影
📷|camera photo|相机 照片
💻|laptop computer|电脑
📱|phone mobile|手机
⌨️|keyboard|键盘
🔋|battery|电池
💡|idea light bulb|想法 灯泡
🔧|wrench fix tool|扳手 修理
🔨|hammer build|锤子
⚙️|gear settings|设置 齿轮
🔒|lock secure|锁 安全
🔑|key|钥匙
📌|pin|图钉 置顶
📎|paperclip attachment|回形针 附件
📝|memo note write|笔记 记录
📅|calendar date|日历 日期
📈|chart up growth|上涨 增长
📉|chart down|下跌
📦|package box release|包裹 发布
📚|books study|书 学习
✉️|mail envelope|邮件
💰|money bag|钱 发财
⏰|alarm clock time|闹钟 时间
⏳|hourglass waiting|沙漏 等待
🚀|rocket launch ship|火箭 上线
✈️|airplane travel|飞机 旅行
🚗|car|汽车
🚲|bicycle bike|自行车
🚄|train|高铁 火车
🏠|home house|家 房子
🏢|office building|公司 办公楼
🏝️|island holiday|海岛 度假
⛰️|mountain hiking|山 爬山
🐛|bug|虫子 漏洞
`),
  },
  {
    title: 'message.emojiSymbols',
    emoji: read(`
❤️|red heart love|爱心 红心 爱
🧡|orange heart|橙心
💛|yellow heart|黄心
💚|green heart|绿心
💙|blue heart|蓝心
💜|purple heart|紫心
🖤|black heart|黑心
💔|broken heart|心碎
💕|two hearts|双心
✅|check done yes|完成 对勾
✔️|check mark|对勾
❌|cross no wrong|叉 错误
⭕|circle|圈 对
❓|question|问号 疑问
❗|exclamation important|感叹号 重要
⚠️|warning|警告 注意
🚫|forbidden no|禁止
💯|hundred perfect|满分 一百
💢|anger|生气
💤|sleep zzz|睡觉
💬|speech comment|评论 说话
🔔|bell notification|提醒 铃铛
🔕|mute bell off|静音
➕|plus add|加
➖|minus|减
➡️|arrow right|向右
⬅️|arrow left|向左
🔄|refresh again|刷新 重试
🔴|red circle|红点
🟢|green circle|绿点
🆗|ok|好的
🆕|new|新
🏳️‍🌈|rainbow flag pride|彩虹旗
🇨🇳|china flag|中国 国旗
`),
  },
];

/** Every word of the query begins a word, in either language; Chinese may stand anywhere. */
export function findEmoji(query: string): Emoji[] {
  const words = query.toLowerCase().trim().split(/\s+/u).filter(Boolean);
  const found = emojiGroups.flatMap(({ emoji }) =>
    emoji.filter(
      (one) =>
        one.emoji === query.trim() ||
        words.every((word) => ` ${one.english}`.includes(` ${word}`) || one.chinese.includes(word)),
    ),
  );
  return found;
}
