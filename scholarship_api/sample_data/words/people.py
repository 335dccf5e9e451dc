"""Names of people, from common to rare."""

from scholarship_api.sample_data.words.splitting import split

FIRST_NAMES = split("""
Margaret James Maria Robert Linda John Patricia William Elizabeth David Barbara Michael Susan
Thomas Dorothy Charles Helen George Ruth José Anna Daniel Grace Samuel Alice Joseph Rosa Edward
Frances Henry Martha Paul Eleanor Frank Evelyn Richard Carmen Walter Louise Carlos Catherine
Harold Virginia Luis Irene Arthur Clara Peter Lucille Raymond Marie Ernest Florence Juan Josephine
Albert Edith Ralph Gloria Howard Beatrice Eugene Sylvia Stanley Yolanda Leonard Agnes Francis
Theresa Roy Esther Philip Wilma Clarence Hazel Andrés Mabel Theodore Ida Oscar Olga Victor Pearl
Sofía Lillian Herbert Vivian Ahmed Priya Wei Fatima Kenji Aisha Ngozi Hiroshi Ming Anil Leila
Chinwe Tomás Inés René Zoë Björn Søren François Hélène Jürgen Müge André Noémie Álvaro Benoît
Consuelo Dmitri Esperanza Farid Giuseppe Hortense Ingrid Joaquín Kwame Ludmila Mahalia Nadezhda
Octavia Penelope Quentin Rosalind Siobhan Thaddeus Ursula Valentina Winifred Xiomara Yusuf Zelda
Ambrose Bernadette Cornelius Delphine Ezekiel Fredericka Gwendolyn Hyacinth Isadora Jedediah
Katarzyna Leopold Mirabel Nehemiah Ottilie Prudence Rutherford Seraphina Tobias Ulysses Verity
""")

SURNAMES = split("""
Smith Johnson Williams Brown Garcia Jones Miller Davis Rodríguez Martínez Wilson Anderson Taylor
Thomas Moore Jackson Martin Lee Thompson White Harris Clark Lewis Robinson Walker Nguyen Young
Allen King Wright Hernández López Scott Hill Green Adams Baker Nelson Campbell Mitchell Roberts
Carter Phillips Evans Turner Torres Parker Collins Edwards Stewart Morris Murphy Rivera Cook
Rogers Morgan Peterson Cooper Reed Bailey Kim Patel Chen Okafor Singh Wong Cohen Schmidt Tanaka
Kelly Howard Ramos Cox Ward Richardson Watson Brooks Chávez Wood Bennett Gray Mendoza Ruiz Hughes
Price Álvarez Castillo Sanders Myers Long Ross Foster Jiménez Powell Jenkins Perry Russell Sullivan
Bell Coleman Butler Henderson Barnes González Fisher Vásquez Simmons Romero Jordan Patterson
Alexander Hamilton Graham Reynolds Griffin Wallace Moreno West Cole Hayes Bryant Herrera Gibson
Ellis Tran Medina Aguilar Stevens Murray Ford Castro Marshall Owens Harrison Fernández McDonald
Woods Washington Kennedy Wells Vargas Henry Freeman Webb Tucker Guzmán Burns Crawford Olson Simpson
Porter Hunter Gordon Méndez Silva Shaw Snyder Mason Dixon Muñoz Hunt Hicks Holmes Palmer Wagner
Black Robertson Boyd Rose Stone Salazar Fox Warren Mills Meyer Rice Schwartz Peña Núñez Müller
Dubois Lefèvre Ibrahim Hassan Khan Rahman Abdi Mensah Owusu Diallo Nakamura Suzuki Watanabe Park
Choi Zhang Huang Liu Ivanov Petrov Novák Horváth Kovács Jørgensen Nyström Lindqvist O'Brien
O'Connor MacLeod Fitzgerald Whitfield Rosenthal Goldberg Kaplan Weiss Begay Yazzie Kealoha Kahale
""")

# Syllables of the rare names: every beginning goes with every ending of its row.
SURNAME_SYLLABLES = (
    (
        split("""Ash Black Bram Brad Bren Brook Cal Carl Chal Clay Clif Col Cran Dal Den Dray East
        Elm Fair Farn Gar Glen Graf Green Hal Ham Har Hart Hather Haw Hazel Hol Kel Kings Lang Lark
        Lin Long Lyn Mar Mel Mill Nor North Oak Pem Pres Rad Red Ring Rush Sand Shel Stan Stock
        Thorn Under Wal War Wake West Whit Win"""),
        split("""bourne bridge bury by combe cott croft dale den field ford gate ham hurst ington
        land ley low man more ridge shaw stead stone ton ville wick wood worth well"""),
    ),
    (
        split("""Grab Mal Kam Dobr Ostr Pawl Rutk Sad Tarn Bor Jan Wit Czarn Gaj Jag Krak Lip
        Mich Nied Piotr Rog Sikor Tok Urb Wys Zab"""),
        split("owski inski owicz ewski anek owiak enko inska"),
    ),
    (
        split("""Mont Cast Val Torr Camp Font Mir Sal Riv Cald Per Barr Mor Quint Sant Guerr Herr
        Lob Pal Zam"""),
        split("alvo ellón anova erde alba edo ero illo ano aluz aga osa ez eño adas"),
    ),
    (
        split("Ade Ola Olu Ayo Oko Nwa Chi Eze Obi Uche Ife Oye Aki Baba Ogun"),
        split("bayo dele wale kunle yemi nkwo chukwu mba nna tola shola soye fola niyi rinde"),
    ),
    (
        split("""Yama Kawa Naka Taka Matsu Fuji Ishi Mori Oka Hara Shima Kita Naga Kuro Shira
        Haya Miya Nishi Hiro Iwa Sugi Toyo Uchi Kiyo"""),
        split("""moto mura shita da saki hara no zawa gawa guchi yama tani kura mizu shima bashi
        naga"""),
    ),
    (
        split("""Rama Venkata Subra Krishna Chandra Raja Deva Hari Jaya Nara Vijaya Siva Govinda
        Ananda Surya"""),
        split("swamy nathan murthy kumar narayan rajan sekhar prasad mani das gopal pathy"),
    ),
    (
        split("""Anders Bengt Carl Dag Erik Fredrik Gunnar Halvor Ingvar Jörgen Knut Lars Magnus
        Nils Olaf Peder Rasmus Sven Torvald Ulrik Viggo Øystein"""),
        split("sen son stad gård lund dahl berg vik holm ström"),
    ),
    (
        split("""Stein Rosen Gold Silber Linden Eich Grün Wein Hoch Neu Alt Korn Blum Kirch Schön
        Wald Ober"""),
        split("berg mann feld bach thal heim hauser dorf baum meier hof"),
    ),
    (
        split("Hakob Petros Sark Grigor Baghdas Manouk Avet Karap Hovsep Vart Tor Zak"),
        split("ian yan"),
    ),
    (
        split("Papa Dimitri Konstantin Anast Georg Theod Nikol Vasil Stef"),
        split("opoulos akis iou ides"),
    ),
    (
        split("Mc O'"),
        split("""Adlam Bride Cafferty Carron Clellan Dermott Elroy Farrell Garrity Hanlon Keever
        Laverty Mahon Nally Quillan Rafferty Shane Tiernan Varish"""),
    ),
)
